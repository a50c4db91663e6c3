"""Finding what was said."""

from typing import Annotated

import msgspec

from chat_gateway.core import search
from chat_gateway.core.chat import Chat
from chat_gateway.core.history import shown
from chat_gateway.core.ids import Id, RoomId, UserId
from chat_gateway.core.ports import Found
from shared.errors import InvalidInput

MAX_RESULTS = 50


class SearchRequest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """`after` is the `next` of an earlier answer."""

    query: str
    after: Id | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=MAX_RESULTS)] = 20


class Hit(msgspec.Struct, frozen=True):
    """`entry` is the message as a page of history shows it."""

    room: str
    entry: msgspec.Raw


class Hits(msgspec.Struct, frozen=True, omit_defaults=True):
    """`next` goes on from here; absent at the end."""

    hits: list[Hit]
    next: str | None = None


async def find(chat: Chat, actor: UserId, request: SearchRequest) -> Hits:
    """Search the messages of the actor's rooms, the newest first.

    Words, "phrases", `from:` (an id, a name, or me), `in:` (a room's id or name), `before:` and `after:` (days of UTC),
    `has:link`, `has:pin`. A new message is found within a few seconds.
    """
    query = search.parse(request.query)
    below = None if request.after is None else _position(request.after)
    found = await chat.search.find(actor, query, below=below, limit=request.limit, within=chat.within)
    items = await chat.history.messages(actor, [(one.room, one.offset) for one in found])
    hits = [Hit(one.room, shown(items[one.room, one.offset])) for one in found if (one.room, one.offset) in items]
    last = found[-1] if len(found) == request.limit else None
    return Hits(hits, None if last is None else f"{last.at}.{last.offset}.{last.room}")


def _position(text: str) -> Found:
    at, _, rest = text.partition(".")
    offset, _, room = rest.partition(".")
    if not (at.isdecimal() and offset.isdecimal() and room and len(at + offset) < 36):  # noqa: PLR2004 - two int64
        raise InvalidInput("invalid_request", "`after` must be the `next` of an earlier answer.")
    return Found(at=int(at), room=RoomId(room), offset=int(offset))
