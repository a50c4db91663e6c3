"""How far a person has read."""

import msgspec

from chat_gateway.actions import changing
from chat_gateway.core import messages
from chat_gateway.core.changes import SetMarker, SetThreadMarker
from chat_gateway.core.chat import Chat
from chat_gateway.core.ids import Id, UserId


class MoveMarker(msgspec.Struct, forbid_unknown_fields=True):
    """`thread` is the message a thread began with: its marker is moved then, not the room's."""

    room: Id
    offset: int
    thread: Id | None = None


class Marker(msgspec.Struct, frozen=True):
    offset: int


async def set_marker(chat: Chat, actor: UserId, request: MoveMarker) -> Marker:
    """Move the actor's marker forward, at most to the room's head; answers where it stands.

    A thread's marker goes at most to its last reply.
    """
    if request.thread is None:
        return Marker((await changing.make(chat, actor, SetMarker, request.room, offset=request.offset)).offset)
    thread = messages.entry_id(request.thread, "thread")
    moved = await changing.make(chat, actor, SetThreadMarker, request.room, message=thread, offset=request.offset)
    return Marker(moved.offset)
