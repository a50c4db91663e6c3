"""Who calls the REST face: a person by an access token, or a bot by an API key. No cookie is ever read.

A person is taken in at the first call this process sees of them, as at a connect. A key is looked up in the database
and believed for less than 5 s, so a revocation is heard of in that time by every gateway without any message.
"""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import msgspec
from aiohttp import web

from chat_gateway.actions.arrivals import arrive
from chat_gateway.core.api_keys import PREFIX, ApiKey, Scope, digest, is_key
from chat_gateway.core.chat import Chat
from chat_gateway.core.ids import UserId
from chat_gateway.core.people import Person
from chat_gateway.realtime.ports import User
from shared.errors import Forbidden, Unauthenticated

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")

_BELIEVED_SECONDS = 4.0


class Caller(msgspec.Struct, frozen=True):
    """Whom a request acts for. Without a scope it may do whatever the user may."""

    user: UserId
    scope: Scope | None = None

    def check_scope(self, verb: str, request: object) -> None:
        """Raise Forbidden `outside_scope` where this is a key that may not send that."""
        rooms = [request.room] if hasattr(request, "room") else []
        if self.scope is not None and not self.scope.allows(verb, *rooms):
            raise Forbidden("outside_scope", "This API key may not do that, or not there. Make one that may.")

    def narrowed(self, chat: Chat) -> Chat:
        """Give the chat as far as the caller may see it: a bot is in rooms that its key is not for."""
        return chat if self.scope is None else msgspec.structs.replace(chat, within=frozenset(self.scope.rooms))


class Access:
    def __init__(
        self,
        chat: Chat,
        *,
        verify: Callable[[str], Awaitable[User]],
        find_key: Callable[[str], Awaitable[ApiKey | None]],
        monotonic: Callable[[], float],
        most_remembered: int = 10_000,
    ) -> None:
        self._chat = chat
        self._verify = verify
        self._find_key = find_key
        self._monotonic = monotonic
        self._most_remembered = most_remembered
        self._arrived: dict[UserId, None] = {}
        self._keys: dict[str, tuple[float, ApiKey | None]] = {}

    async def caller(self, request: web.Request) -> Caller:
        """Answer whom the request's Bearer token speaks for. Raises Unauthenticated, or Unavailable for "not now"."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        token = token.strip()
        if scheme.lower() != "bearer" or not token:
            raise Unauthenticated("unauthorized", "Send `Authorization: Bearer` with an access token or an API key.")
        return await self._bot(token) if token.startswith(PREFIX) else await self._person(token)

    async def _person(self, token: str) -> Caller:
        user = await self._verify(token)
        user_id = UserId(user.id)
        if user_id not in self._arrived:
            await arrive(self._chat, Person(id=user_id, name=user.name, picture=user.picture))
            self._remember(self._arrived, user_id, None)
        return Caller(user_id)

    async def _bot(self, token: str) -> Caller:
        key = await self._key(digest(token)) if is_key(token) else None
        if key is None:
            raise Unauthenticated("invalid_token", "The API key is not valid, or it was revoked. Make a new one.")
        return Caller(key.user, key.scope)

    async def _key(self, hashed: str) -> ApiKey | None:
        now = self._monotonic()
        until, key = self._keys.get(hashed, (now, None))
        if now >= until:
            key = await self._find_key(hashed)
            self._remember(self._keys, hashed, (now + _BELIEVED_SECONDS, key))
        return key

    def _remember(self, entries: dict[_Key, _Value], key: _Key, value: _Value) -> None:
        """Keep the newest; what is dropped is only looked up again."""
        entries.pop(key, None)
        if len(entries) >= self._most_remembered:
            del entries[next(iter(entries))]
        entries[key] = value
