"""How far a person has read."""

import msgspec

from chat_gateway.core.changes import SetMarker
from chat_gateway.core.chat import Chat
from chat_gateway.core.ids import ClientId, RoomId, UserId


class MoveMarker(msgspec.Struct, forbid_unknown_fields=True):
    room: str
    offset: int


class Marker(msgspec.Struct, frozen=True):
    offset: int


async def set_marker(chat: Chat, actor: UserId, request: MoveMarker) -> Marker:
    """Move the actor's marker forward, at most to the room's head; answers where it stands."""
    entry_id = chat.new_id()
    applied = await chat.log.append(
        SetMarker(
            id=entry_id,
            room=RoomId(request.room),
            author=actor,
            client_id=ClientId(entry_id),
            offset=request.offset,
        )
    )
    return Marker(applied.offset)
