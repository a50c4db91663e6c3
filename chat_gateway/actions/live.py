"""What a person does while they look at a room and what no log keeps: typing, and asking how far others have read."""

import msgspec

from chat_gateway.actions.memberships import Done
from chat_gateway.core import errors
from chat_gateway.core.chat import Chat
from chat_gateway.core.ids import Id, RoomId, UserId
from chat_gateway.core.live import MAX_WITH_RECEIPTS
from shared.errors import InvalidInput


class TypingIn(msgspec.Struct, forbid_unknown_fields=True):
    room: Id


class AskReceipts(msgspec.Struct, forbid_unknown_fields=True):
    """`offset` is what the members of a large room are counted by."""

    room: Id
    offset: int | None = None


class ReceiptView(msgspec.Struct, frozen=True, omit_defaults=True):
    """`markers` by the members' ids in a small room, `count` of the members in a large one."""

    markers: dict[UserId, int] | None = None
    count: int | None = None


async def typing(chat: Chat, actor: UserId, request: TypingIn) -> Done:
    """Show those who look at the room that the actor is typing. Repeat it every few seconds while they do.

    Refused like a message where the other of a direct room of two has blocked the actor: some seconds later at most.
    """
    await chat.typists.typing(RoomId(request.room), actor)
    return Done()


async def receipts(chat: Chat, actor: UserId, request: AskReceipts) -> ReceiptView:
    """Tell how far the others have read. In a room of over 50 members: how many have read up to `offset`."""
    read = await chat.memberships.receipts(RoomId(request.room), actor, offset=request.offset, most=MAX_WITH_RECEIPTS)
    if read is None:
        raise errors.room_not_found()
    if read.markers is None and read.count is None:
        raise InvalidInput("invalid_request", f"offset: Needed in rooms of over {MAX_WITH_RECEIPTS} members.")
    return ReceiptView(read.markers, read.count)
