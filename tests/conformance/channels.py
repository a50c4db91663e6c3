"""Open channels: what the reference server's test configuration lets clients do, as the engine's application."""

import uuid
from collections.abc import Mapping, Sequence

from typing_extensions import override

from chat_gateway.core.changes import Post
from chat_gateway.core.ids import ClientId, EntryId, RoomId, UserId
from chat_gateway.core.ports import Log
from chat_gateway.protocol.frames import ClientInfo, Subscribe
from chat_gateway.realtime.ports import Application, Gained, Grant, Lost, Snapshot, User
from chat_gateway.realtime.publication import Position, Publication
from shared.errors import Forbidden, InvalidInput, NotFound, Unauthenticated
from tests.conformance import tokens
from tests.conformance.envelope import seal
from tests.conformance.namespaces import namespace_of, personal, users_of
from tests.conformance.store import MAX_RECOVERED, OpenLog

_ANONYMOUS = User(id="", name="", picture="", session="", key_id="", expires_at=None)


class OpenChannels(Application):
    """`insecure` lets in who brings no token."""

    def __init__(self, commit: Log, log: OpenLog, *, insecure: bool) -> None:
        self.effective_kinds = frozenset()
        self._commit = commit
        self._log = log
        self._insecure = insecure

    @override
    def effect(self, publication: Publication) -> Gained | Lost | None:
        return None

    @override
    async def verify(self, token: str) -> User:
        if token:
            return tokens.user_of(token)
        if self._insecure:
            return _ANONYMOUS
        raise Unauthenticated("unauthorized", "Bring a token.")

    @override
    def channel_of(self, user: User) -> str | None:
        return personal(user.id) if user.id else None

    @override
    async def channels_of(self, user: User, data: bytes) -> Sequence[str] | None:
        return ()

    @override
    def grant(self, user: User, channel: str) -> Grant:
        return tokens.open_grant()

    @override
    async def admit(self, user: User, wish: Subscribe, info: ClientInfo) -> Grant:
        namespace_of(wish.channel)
        if wish.token:
            return tokens.grant_of(wish.token, wish.channel, user.id, info.client)
        users = users_of(wish.channel)
        if wish.channel.startswith("$") or (users is not None and user.id not in users):
            raise Forbidden("permission_denied", "This channel needs a token.")
        return tokens.open_grant()

    @override
    async def snapshot(self, user: User, since: Mapping[str, Position | None], *, connect: bool) -> Snapshot:
        channels = {channel: await self._log.recover(channel, position) for channel, position in since.items()}
        return Snapshot(channels=channels, data=b"")

    @override
    async def publish(self, user: User, channel: str, data: bytes, info: ClientInfo | None) -> None:
        namespace_of(channel)
        if not data:
            raise InvalidInput("bad_request", "Publish some data.")
        post = Post(
            id=EntryId(str(uuid.uuid4())),
            room=RoomId(channel),
            author=UserId(user.id),
            client_id=ClientId(str(uuid.uuid4())),
            content=seal(data, info),
        )
        await self._commit.append(post)

    @override
    async def rpc(self, user: User, method: str, data: bytes) -> bytes:
        raise NotFound("not_available", "There are no methods here.")

    @override
    def is_slow(self, method: str) -> bool:
        return False

    @override
    async def history(
        self, user: User, channel: str, *, since: Position | None, limit: int, reverse: bool
    ) -> tuple[Position, Sequence[Publication]]:
        namespace_of(channel)
        history = await self._log.history(
            channel,
            after=since.offset if since and not reverse else 0,
            before=since.offset if since and reverse else None,
            limit=MAX_RECOVERED if limit < 0 else min(limit, MAX_RECOVERED),
            newest=reverse,
        )
        return history.head, history.publications[::-1] if reverse else history.publications
