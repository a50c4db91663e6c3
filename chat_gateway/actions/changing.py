"""How an action has a change made: named by its actor, its room and an id of its own."""

from typing import Any, TypeVar

from chat_gateway.core import messages
from chat_gateway.core.changes import Applied, Arrival, Change
from chat_gateway.core.chat import Chat
from chat_gateway.core.ids import ClientId, RoomId, UserId

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
    return await chat.log.append(kind(id=entry_id, room=RoomId(room), author=actor, client_id=own, **fields))
