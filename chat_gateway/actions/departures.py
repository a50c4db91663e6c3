"""How a deleted account leaves its rooms: the gateway does it, nobody asks for it."""

from chat_gateway.actions import changing
from chat_gateway.core.changes import Depart, Inherit
from chat_gateway.core.chat import Chat
from chat_gateway.core.ids import RoomId, UserId
from shared.errors import Conflict


async def depart(chat: Chat, user: UserId, room: RoomId, *, is_owner: bool) -> None:
    """Take the account out of a room, and give that a new owner before where it would have none that lives.

    Done already, it changes nothing. Raises Conflict `last_owner` where one heir after the other goes in this moment.
    """
    if is_owner:
        await changing.make(chat, user, Inherit, room)
    try:
        await changing.make(chat, user, Depart, room)
    except Conflict:
        # The heir went after the room was handed over, or the account became an owner after it was asked.
        await changing.make(chat, user, Inherit, room)
        await changing.make(chat, user, Depart, room)
