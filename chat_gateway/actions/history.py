"""Reading what was said."""

from typing import Annotated

import msgspec

from chat_gateway.core import errors
from chat_gateway.core.chat import Chat
from chat_gateway.core.entries import encode
from chat_gateway.core.ids import RoomId, UserId
from shared.errors import InvalidInput

MAX_PAGE = 200
Offset = Annotated[int, msgspec.Meta(ge=0)]


class PageRequest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """`after` pages forward from an offset, `before` backward; neither asks for the newest."""

    room: str
    after: Offset | None = None
    before: Offset | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=MAX_PAGE)] = 50


class Page(msgspec.Struct, frozen=True):
    """Entries in rising order, with the head and epoch of the same moment."""

    entries: list[msgspec.Raw]
    head: int
    epoch: str


async def page(chat: Chat, actor: UserId, request: PageRequest) -> Page:
    """Read a page of a room's log; membership is read in the same snapshot. Raises NotFound `room_not_found`."""
    if request.after is not None and request.before is not None:
        raise InvalidInput("invalid_request", "A page goes `after` an offset or `before` one, not both.")
    found = await chat.history.page(
        RoomId(request.room), actor, after=request.after, before=request.before, limit=request.limit
    )
    if found is None:
        raise errors.room_not_found()
    return Page([msgspec.Raw(encode(entry, with_offset=True)) for entry in found.entries], found.head, found.epoch)
