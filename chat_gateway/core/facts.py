"""What a decision is made from: the rows that matter to one change, of one moment under its logs' locks.

A decision asks a `Question` and gets `Facts`. The stores know how to read them and nothing of what they mean; on
PostgreSQL they are read before the lock, and the change is made only if they are still the same under it.
"""

from typing import Literal

import msgspec

from chat_gateway.core.changes import Change
from chat_gateway.core.ids import ClientId, EntryId, LogId, RoomId, UserId, room_log
from chat_gateway.core.rooms import Role, RoomKind

Status = Literal["joined", "left", "removed", "banned"]


class Question(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`logs` are those the change writes to, the one of its entry first; `users` those whose memberships matter.

    `offset` asks for the posts that stood there, at most at the head; `invite` is the hash of an invitation's token.
    `admission` asks in how many rooms the users are, `departure` whom the author would leave behind, `heir` to whom
    the room would fall.
    """

    room: RoomId
    author: UserId
    client_id: ClientId
    logs: tuple[LogId, ...]
    users: tuple[UserId, ...] = ()
    message: EntryId | None = None
    emoji: str = ""
    offset: int | None = None
    invite: str | None = None
    admission: bool = False
    departure: bool = False
    heir: bool = False


class RoomFact(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    kind: RoomKind
    topic: str
    read_only: bool
    archived: bool


class MemberFact(msgspec.Struct, frozen=True, kw_only=True):
    """Who never was in the room has no status and no role; whom nobody knows is no person.

    `rooms` counts all memberships of the user, if it was asked for.
    """

    user: UserId
    role: Role | None = None
    status: Status | None = None
    person: Literal["enabled", "disabled"] | None = None
    rooms: int = 0

    @property
    def joined(self) -> bool:
        return self.status == "joined"


class EntryFact(msgspec.Struct, frozen=True, kw_only=True):
    """An entry that an earlier change with the same author and client_id wrote."""

    log: LogId
    offset: int
    kind: int
    id: EntryId
    at: int
    posts: int
    subject: UserId | None
    content: str
    thread: EntryId | None = None
    thread_posts: int | None = None


class MessageFact(msgspec.Struct, frozen=True, kw_only=True):
    """The message that is meant. `content` is its entry's, `body` its text where it was edited.

    `author_role` is None where its author is not in the room now. `edit_entries` are the offsets of its
    `message.edited` entries. `reacted`: the author of the change used the emoji; `used`: anybody did; `emojis` counts
    the different ones. `reported`: by the author of the change. `pins` counts the pinned messages of the room.
    """

    id: EntryId
    offset: int
    author: UserId
    author_role: Role | None = None
    at: int
    content: str
    body: str | None = None
    edits: int = 0
    edit_entries: tuple[int, ...] = ()
    deleted: bool = False
    pinned: bool = False
    thread: EntryId | None = None
    thread_posts: int = 0
    reacted: bool = False
    used: bool = False
    emojis: int = 0
    reported: bool = False
    pins: int = 0


class MarkerFact(msgspec.Struct, frozen=True, kw_only=True):
    """Where the author's marker stands, and what it would move to: `offset` is at most the head of the log.

    Of the message's thread, where one is meant: `offset` is then that of its last reply up to the one asked for.
    """

    marker: int
    offset: int
    posts: int


class ThreadFact(msgspec.Struct, frozen=True, kw_only=True):
    """How the author stands to the thread of the message that is meant."""

    follows: bool
    muted: bool
    marker: int
    marker_posts: int


class OthersFact(msgspec.Struct, frozen=True, kw_only=True):
    """Whether anybody else is in the room, and whether another owner is whose account was not deleted.

    A disabled account may come back, so it counts.
    """

    members: bool
    owners: bool


class InviteFact(msgspec.Struct, frozen=True, kw_only=True):
    room: RoomId
    usable: bool


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked for and is there; `members` is in the order of the question's users.

    `heir`: of the others in the room that can log in, who has been in it longest, an admin before any plain member.
    `blocked`: one of these users has blocked the author, or the other of a direct room of two whose message is meant.
    """

    room: RoomFact | None = None
    members: tuple[MemberFact, ...] = ()
    repeats: tuple[EntryFact, ...] = ()
    message: MessageFact | None = None
    marker: MarkerFact | None = None
    thread: ThreadFact | None = None
    invite: InviteFact | None = None
    blocked: bool = False
    others: OthersFact | None = None
    heir: UserId | None = None

    def repeat(self, log: LogId) -> EntryFact | None:
        """The entry an earlier change with the same author and client_id wrote to this log."""
        return next((entry for entry in self.repeats if entry.log == log), None)

    @property
    def author(self) -> MemberFact:
        """How the first of the question's users stands to the room: the author, where a decision asks for one."""
        return self.members[0]


def ask_of_author(change: Change) -> Question:
    """Ask what most changes of a room need: the room, and how the author stands to it."""
    return Question(
        room=change.room,
        author=change.author,
        client_id=change.client_id,
        logs=(room_log(change.room),),
        users=(change.author,),
    )
