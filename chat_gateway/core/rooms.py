"""A room as one person sees it, and the rules of its name."""

import unicodedata
from typing import Literal

import msgspec

from chat_gateway.core.ids import RoomId, UserId
from chat_gateway.core.messages import is_blank
from shared.errors import InvalidInput

Role = Literal["owner", "admin", "member"]
RoomKind = Literal["public", "private", "direct"]

DEFAULT_ROOM = RoomId("lobby")
"""The public room that everybody who is in no room is taken to; the first migration makes it."""

MAX_NAME = 80
MAX_TOPIC = 250

_JOINERS = str.maketrans("", "", "\N{ZERO WIDTH JOINER}\N{ZERO WIDTH NON-JOINER}")
"""Unprintable by themselves; emoji and Persian are not written without them."""


class Room(msgspec.Struct, frozen=True, kw_only=True):
    """`unread` = posts since the viewer's marker; role None, marker and unread 0 for one who is no member.

    `mentions` counts messages above the marker that mention the viewer, `threads` the followed threads with unread
    posts, both up to 100. `members` is the number of members; `people` are their ids in a direct room, which has no
    name. Nobody but owners and admins posts in a `read_only` room, and nobody in an `archived` one.
    """

    id: RoomId
    name: str
    kind: RoomKind
    topic: str
    role: Role | None
    head: int
    posts: int
    marker: int
    unread: int
    read_only: bool = False
    archived: bool = False
    members: int = 0
    mentions: int = 0
    threads: int = 0
    people: tuple[UserId, ...] = ()


class Member(msgspec.Struct, frozen=True, kw_only=True):
    user: UserId
    role: Role


def room_topic(text: str) -> str:
    """Tidy what a room is about. Raises InvalidInput `invalid_request` for a long or unprintable one."""
    topic = " ".join(unicodedata.normalize("NFC", text).split())
    if len(topic) > MAX_TOPIC or not _is_printable(topic):
        raise InvalidInput("invalid_request", f"A room's topic has at most {MAX_TOPIC} printable characters.")
    return topic


def room_name(text: str) -> str:
    """Tidy a room's name. Raises InvalidInput `invalid_request` for one that shows nothing, is long or unprintable."""
    name = " ".join(unicodedata.normalize("NFC", text).split())
    if is_blank(name) or len(name) > MAX_NAME or not _is_printable(name):
        raise InvalidInput("invalid_request", f"A room's name has 1 to {MAX_NAME} printable characters.")
    return name


def _is_printable(text: str) -> bool:
    return text.translate(_JOINERS).isprintable()
