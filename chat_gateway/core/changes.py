"""What may be asked of the logs: each change is decided and written in one place, under its log's lock.

A change names its actor and a `client_id`, unique per author and log for good: a repeat answers the first result. All
but posts are decided in core/decisions.py; `Refusal` is a decision against it.
"""

from enum import IntEnum

import msgspec

from chat_gateway.core.entries import Entry
from chat_gateway.core.ids import ClientId, EntryId, RoomId, UserId
from chat_gateway.core.limits import DEFAULTS
from chat_gateway.core.rooms import Role, RoomKind


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """What every change says: by whom, in which room, and what its entry and its repeats are known by."""

    id: EntryId
    room: RoomId
    author: UserId
    client_id: ClientId


class Post(Change, frozen=True, kw_only=True):
    """Post a message: the author must be a member. Moves the author's own marker in the same transaction.

    `thread` is the root of the thread it is posted in: it then counts there, and moves the thread's marker instead.
    `reply_to`, which stands in the content too, is a message of the room that is answered; it may be deleted by then.
    """

    content: str
    thread: EntryId | None = None
    reply_to: EntryId | None = None
    mentions: tuple[UserId, ...] = ()


class Arrival(Change, frozen=True, kw_only=True):
    """Bring people into a room, each of whom may be in `most_rooms`, so that one connect can carry them all."""

    most_rooms: int = DEFAULTS.rooms_per_person


class Create(Arrival, frozen=True, kw_only=True):
    """Make a room whose first entry is its owner's joining. `room` is derived from author and client_id."""

    name: str
    kind: RoomKind
    topic: str = ""
    read_only: bool = False


class Update(Change, frozen=True, kw_only=True):
    """Change what a room is called or about, or who posts in it; None leaves it. By an owner or admin."""

    name: str | None = None
    topic: str | None = None
    read_only: bool | None = None


class Archive(Change, frozen=True, kw_only=True):
    """Close a room to everything but reading and leaving, or open it again. By an owner.

    `by_administrator`: by a command on the server, whose author need be nobody in the room.
    """

    archived: bool
    by_administrator: bool = False


class Join(Arrival, frozen=True, kw_only=True):
    """Join a public room, or any but a direct one with the hash of an invitation's token.

    `admitted`: an administrator's command lets the author in, as an invitation would. A member's join changes nothing.
    """

    invite: str | None = None
    admitted: bool = False


class Leave(Change, frozen=True, kw_only=True):
    """Leave a room. The last owner leaves only an empty one."""


class Inherit(Change, frozen=True, kw_only=True):
    """Make another the owner of a room whose only owner is a deleted account, which is the author.

    It is who has been an admin for longest of those that can log in, else a member.
    """


class Depart(Change, frozen=True, kw_only=True):
    """Take the author, a deleted account, out of the room. Where an heir is needed it is made first, with `Inherit`."""


class Remove(Change, frozen=True, kw_only=True):
    """Remove `subject`: by an owner (anybody) or an admin (a member)."""

    subject: UserId


class Ban(Change, frozen=True, kw_only=True):
    """Keep `subject` out of the room, whether they are in it or not: by an owner (anybody) or an admin (a member)."""

    subject: UserId


class Unban(Change, frozen=True, kw_only=True):
    """Let `subject` in again; it does not bring them back. By an owner or admin."""

    subject: UserId


class SetRole(Change, frozen=True, kw_only=True):
    """Give `subject` a role: by an owner. The last owner keeps theirs.

    `by_administrator`: by a command on the server, whose author need be nobody in the room.
    """

    subject: UserId
    role: Role
    by_administrator: bool = False


class Invite(Change, frozen=True, kw_only=True):
    """Make an invitation of which the hash of its token is kept. By an owner or admin. Writes no entry."""

    token_hash: str
    expires_in_ms: int
    uses: int


class Revoke(Change, frozen=True, kw_only=True):
    """End all invitations of the room. By an owner or admin. Writes no entry."""


class OpenDirect(Arrival, frozen=True, kw_only=True):
    """Bring these people, of whom the author is one, into the room that is theirs alone. `room` is derived from them.

    Nobody ever joins or leaves it: it changes nothing where it is there.
    """

    people: tuple[UserId, ...]


class SetMarker(Change, frozen=True, kw_only=True):
    """Move the author's marker forward, at most to the log's head. A marker that stays answers `entry=None`."""

    offset: int


class Edit(Change, frozen=True, kw_only=True):
    """Give one's own message another text; what stood there is kept as a revision."""

    message: EntryId
    body: str
    mentions: tuple[UserId, ...] = ()


class Delete(Change, frozen=True, kw_only=True):
    """Scrub a message's text from everywhere: by its author, an owner, or (a member's) an admin."""

    message: EntryId


class React(Change, frozen=True, kw_only=True):
    """Put an emoji to a message. One that the author put there already stays."""

    message: EntryId
    emoji: str


class Unreact(Change, frozen=True, kw_only=True):
    """Take the author's emoji back."""

    message: EntryId
    emoji: str


class Pin(Change, frozen=True, kw_only=True):
    """Pin a message to the room: by an owner or admin; in a direct room by anybody in it."""

    message: EntryId


class Unpin(Change, frozen=True, kw_only=True):
    """Unpin a message, by those who may pin it."""

    message: EntryId


class Report(Change, frozen=True, kw_only=True):
    """Tell the administrators of a message, once. Writes no entry."""

    message: EntryId
    reason: str


class Follow(Change, frozen=True, kw_only=True):
    """Follow a thread or not; its entry is in the author's own log."""

    message: EntryId
    follows: bool


class Mute(Change, frozen=True, kw_only=True):
    """Mute a thread or not; its entry is in the author's own log."""

    message: EntryId
    muted: bool


class SetThreadMarker(Change, frozen=True, kw_only=True):
    """Move the author's marker in a thread forward, at most to its last reply. One that stays has `entry=None`."""

    message: EntryId
    offset: int


class Refusal(IntEnum):
    """Why a change was not made. A room one may not see and a room that is not there are one answer."""

    NO_SUCH_ROOM = 1
    NOT_ALLOWED = 2
    NO_SUCH_MEMBER = 3
    CONFLICT = 4
    TOO_MANY_ROOMS = 5
    NO_SUCH_MESSAGE = 6
    NOT_A_THREAD_ROOT = 7
    READ_ONLY = 8
    ARCHIVED = 9
    TOO_MANY_EDITS = 10
    TOO_MANY_REACTIONS = 11
    TOO_MANY_PINS = 12
    BANNED = 13
    LAST_OWNER = 14
    NO_SUCH_PERSON = 15
    DIRECT_ROOM = 16
    NOT_YOUR_MESSAGE = 17
    NOT_REACHABLE = 18
    ONESELF = 19


class Applied(msgspec.Struct, frozen=True, kw_only=True):
    """A change that stands. `entry` is its row in the room's log (a marker's: in the user's), first result or repeat.

    `entry` is None where nothing was to be changed or told. `others` are rows the same change wrote to further logs.
    `offset` is the entry's, or the marker as it stands; `at` the time (Unix milliseconds) of a change just made.
    """

    entry: Entry | None
    others: tuple[Entry, ...] = ()
    offset: int = 0
    repeated: bool = False
    at: int = 0


Outcome = Applied | Refusal

MAX_EDITS = 100
MAX_EMOJIS = 50
"""Different emojis on one message."""
MAX_PINS = 100
