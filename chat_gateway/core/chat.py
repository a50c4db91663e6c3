"""All that the chat's actions work with, in one value that app.py makes."""

import secrets
from collections.abc import Callable

import msgspec

from chat_gateway.core.ids import EntryId, RoomId, UserId
from chat_gateway.core.limits import DEFAULTS, ChatLimits
from chat_gateway.core.ports import History, Log, Memberships, People, Rooms, Search, Typists


def unpaced(_user: UserId) -> None:
    """Let anybody do it as often as they like: for a process that serves nobody."""


class Chat(msgspec.Struct, frozen=True, kw_only=True):
    """`new_id` makes a UUIDv7, `new_secret` text that nobody can guess and every URL can hold.

    `check_new_direct` raises RateLimited where the user may not open another direct room now. `within` are the only
    rooms that are read by what names none; None for all that the actor sees.
    """

    log: Log
    rooms: Rooms
    history: History
    people: People
    search: Search
    memberships: Memberships
    typists: Typists
    new_id: Callable[[], EntryId]
    new_secret: Callable[[], str] = secrets.token_urlsafe
    limits: ChatLimits = DEFAULTS
    check_new_direct: Callable[[UserId], None] = unpaced
    within: frozenset[RoomId] | None = None
