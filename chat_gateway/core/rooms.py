"""A room as one person sees it, and the rules of its name."""

import unicodedata
from typing import Literal

import msgspec

from chat_gateway.core.ids import RoomId
from shared.errors import InvalidInput

Role = Literal["owner", "admin", "member"]
RoomKind = Literal["public", "private"]

DEFAULT_ROOM = RoomId("lobby")
"""The public room that everybody who is in no room is taken to; the first migration makes it."""

MAX_NAME = 80


class Room(msgspec.Struct, frozen=True, kw_only=True):
    """`unread` = posts since the viewer's marker; role None, marker and unread 0 for one who is no member."""

    id: RoomId
    name: str
    kind: RoomKind
    topic: str
    role: Role | None
    head: int
    posts: int
    marker: int
    unread: int


def room_name(text: str) -> str:
    """Tidy a room's name. Raises InvalidInput `invalid_request` for an empty, long or unprintable one."""
    name = " ".join(unicodedata.normalize("NFC", text).split())
    if not 0 < len(name) <= MAX_NAME or not name.isprintable():
        raise InvalidInput("invalid_request", f"A room's name has 1 to {MAX_NAME} printable characters.")
    return name
