"""How an action has a change made: named by its actor, its room and an id of its own."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from chat_gateway.core import errors, messages
from chat_gateway.core.changes import Applied, Arrival, Change
from chat_gateway.core.chat import Chat
from chat_gateway.core.ids import ClientId, RoomId, UserId
from shared.errors import Forbidden

C = TypeVar("C", bound=Change)


async def make(
    chat: Chat,
    actor: UserId,
    kind: type[C],
    room: str,
    client_id: str | None = None,
    /,
    **fields: Any,  # noqa: ANN401 - the change's own
) -> Applied:
    """Make a change of this kind; answered once it is committed. What brings no `client_id` gets a new one."""
    entry_id = chat.new_id()
    own = ClientId(entry_id) if client_id is None else messages.client_id(client_id)
    if issubclass(kind, Arrival):
        fields["most_rooms"] = chat.limits.rooms_per_person
    async with explained(chat, actor, RoomId(room)):
        return await chat.log.append(kind(id=entry_id, room=RoomId(room), author=actor, client_id=own, **fields))


@asynccontextmanager
async def explained(chat: Chat, actor: UserId, room: RoomId) -> AsyncIterator[None]:
    """Say so where a conversation takes nothing because the other's account was deleted. Does not give way before.

    A deleted account has blocked whomever it had a direct room of two with (departures.py), and nobody asks it not to.
    """
    try:
        yield
    except Forbidden as refusal:
        if refusal.code == "not_reachable" and await _is_deserted(chat, actor, room):
            raise errors.account_deleted() from refusal
        raise


async def _is_deserted(chat: Chat, actor: UserId, room: RoomId) -> bool:
    found = await chat.rooms.find(room, actor)
    others = [] if found is None else [user for user in found.people if user != actor]
    return any(person.deleted for person in await chat.people.get(others))
