"""What an administrator does with API keys, on the command line."""

import contextlib
from collections.abc import Sequence

from chat_gateway.actions import changing
from chat_gateway.core.api_keys import BEYOND, ApiKey, Scope, bot_of, digest, key_name, make_key
from chat_gateway.core.changes import Join, Leave
from chat_gateway.core.chat import Chat
from chat_gateway.core.ids import ClientId, RoomId
from chat_gateway.core.people import Person
from chat_gateway.core.ports import ApiKeys
from shared.errors import Conflict, Forbidden, InvalidInput, NotFound


async def create(
    chat: Chat,
    keys: ApiKeys,
    *,
    name: str,
    verbs: Sequence[str],
    rooms: Sequence[str],
    parts: tuple[str, str],
    now: int,
) -> str:
    """Make a key of these parts (id, secret) and answer it, for the only time. Its bot joins the rooms first.

    Raises NotFound for a room that is not there, InvalidInput for a verb that no key may have: no key is made then.
    """
    if beyond := sorted(BEYOND.intersection(verbs)):
        named = ", ".join(beyond)
        raise InvalidInput("invalid_request", f"No key may do {named}: that makes a room which is none of the key's.")
    key_id, secret = parts
    text = make_key(key_id, secret)
    scope = Scope(tuple(dict.fromkeys(verbs)), tuple(RoomId(room) for room in dict.fromkeys(rooms)))
    key = ApiKey(id=key_id, name=key_name(name), user=bot_of(key_id), scope=scope, created_at=now)
    await chat.people.know(Person(id=key.user, name=key.name))
    for room in scope.rooms:
        await changing.make(chat, key.user, Join, room, admitted=True)
    await keys.add(key, digest(text))
    return text


async def revoke(chat: Chat, keys: ApiKeys, key_id: str, *, now: int) -> ApiKey:
    """End a key, and let its bot leave its rooms; safe to repeat. Raises NotFound where there is no such key."""
    key = next((key for key in await keys.all() if key.id == key_id), None)
    if key is None:
        raise NotFound("key_not_found", "There is no such key. `key list` shows all.")
    await keys.revoke(key_id, now=now)
    for room in await chat.rooms.of_member(key.user):
        entry_id = chat.new_id()
        # A bot that owns a room alone, or talks in a direct one, has to stay; what counts is that its key is dead.
        with contextlib.suppress(NotFound, Forbidden, Conflict):
            await chat.log.append(Leave(id=entry_id, room=room.id, author=key.user, client_id=ClientId(entry_id)))
    return key
