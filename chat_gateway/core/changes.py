"""What may be asked of the logs: each change is decided and written in one place, under its log's lock.

A change names its actor and a `client_id`, unique per author and log for good: a repeat answers the first result. The
store decides with these rules, in a snapshot taken after the lock (store/append_*.py); `Refusal` is its answer.
"""

from enum import IntEnum

import msgspec

from chat_gateway.core.entries import Entry
from chat_gateway.core.ids import ClientId, EntryId, RoomId, UserId


class Post(msgspec.Struct, frozen=True, kw_only=True):
    """Post a message: the author must be a member. Moves the author's own marker in the same transaction."""

    id: EntryId
    room: RoomId
    author: UserId
    client_id: ClientId
    content: str


class Create(msgspec.Struct, frozen=True, kw_only=True):
    """Make a room whose first entry is its owner's joining. `room` is derived from author and client_id."""

    id: EntryId
    room: RoomId
    author: UserId
    client_id: ClientId
    name: str
    kind: str


class Join(msgspec.Struct, frozen=True, kw_only=True):
    """Join a public room. A member's join changes nothing and answers `entry=None`."""

    id: EntryId
    room: RoomId
    author: UserId
    client_id: ClientId


class Leave(msgspec.Struct, frozen=True, kw_only=True):
    """Leave a room. The owner may leave as well."""

    id: EntryId
    room: RoomId
    author: UserId
    client_id: ClientId


class Remove(msgspec.Struct, frozen=True, kw_only=True):
    """Remove `subject`: by an owner (anybody) or an admin (a member)."""

    id: EntryId
    room: RoomId
    author: UserId
    client_id: ClientId
    subject: UserId


class SetMarker(msgspec.Struct, frozen=True, kw_only=True):
    """Move the author's marker forward, at most to the log's head. A marker that stays answers `entry=None`."""

    id: EntryId
    room: RoomId
    author: UserId
    client_id: ClientId
    offset: int


Change = Post | Create | Join | Leave | Remove | SetMarker


class Refusal(IntEnum):
    """Why a change was not made. A room one may not see and a room that is not there are one answer."""

    NO_SUCH_ROOM = 1
    NOT_ALLOWED = 2
    NO_SUCH_MEMBER = 3
    CONFLICT = 4
    TOO_MANY_ROOMS = 5


class Applied(msgspec.Struct, frozen=True, kw_only=True):
    """A change that stands. `entry` is its row in the room's log (a marker's: in the user's), first result or repeat.

    `entry` is None where nothing was to be changed. `others` are rows the same change wrote to further logs. `offset`
    is the entry's, or the marker as it stands.
    """

    entry: Entry | None
    others: tuple[Entry, ...] = ()
    offset: int = 0
    repeated: bool = False


Outcome = Applied | Refusal

MAX_ROOMS = 1_000
"""Memberships a user may hold, so that one connect can carry them all."""
