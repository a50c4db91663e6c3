"""Reading what was said."""

from typing import Annotated

import msgspec

from chat_gateway.core import errors
from chat_gateway.core.chat import Chat
from chat_gateway.core.history import shown
from chat_gateway.core.ids import Id, RoomId, UserId
from shared.errors import InvalidInput

MAX_PAGE = 200
Offset = Annotated[int, msgspec.Meta(ge=0)]


class PageRequest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """`after` pages forward from an offset, `before` backward; neither asks for the newest.

    `pinned` asks for the pinned messages instead, which all come at once.
    """

    room: Id
    after: Offset | None = None
    before: Offset | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=MAX_PAGE)] = 50
    pinned: bool = False


class Page(msgspec.Struct, frozen=True):
    """Entries in rising order, with the head and epoch of the same moment."""

    entries: list[msgspec.Raw]
    head: int
    epoch: str


async def page(chat: Chat, actor: UserId, request: PageRequest) -> Page:
    """Read a page of a room's log, or its pinned messages.

    Messages come with their `state` where something happened to them, and with the `reply` they answer.
    """
    room = RoomId(request.room)
    check_direction(request.after, request.before)
    if request.pinned:
        if request.after is not None or request.before is not None:
            raise InvalidInput("invalid_request", "The pinned messages come at once, without `after` and `before`.")
        found = await chat.history.pinned(room, actor)
    else:
        found = await chat.history.page(room, actor, after=request.after, before=request.before, limit=request.limit)
    if found is None:
        raise errors.room_not_found()
    return Page([shown(item) for item in found.items], found.head, found.epoch)


def check_direction(after: int | None, before: int | None) -> None:
    """Refuse a page that goes both ways. Raises InvalidInput."""
    if after is not None and before is not None:
        raise InvalidInput("invalid_request", "A page goes `after` an offset or `before` one, not both.")
