"""What group commit needs of a database: to decide and write a batch in one transaction, and to say what became of it.

The three exceptions tell what is known when that failed. An appender translates its library's errors into them.
"""

from collections.abc import Sequence
from typing import Protocol
from uuid import NAMESPACE_OID, uuid5

import msgspec

from chat_gateway.core.changes import Applied, Change, Create, Join, Leave, Outcome, Post, Remove, SetMarker
from chat_gateway.core.entries import Entry, Kind
from chat_gateway.core.ids import EntryId, LogId, UserId, room_log, user_log


class NotCommitted(Exception):
    """Nothing was written: the database is away, or a lock did not come in time. Trying again may help."""


class Rejected(Exception):
    """Nothing was written, because the database does not take a value of this batch. Trying again never helps."""


class OutcomeUnknown(Exception):
    """The connection was lost while the transaction ran. `find` tells."""


class Appender(Protocol):
    async def connect(self) -> None:
        """Be ready to write; returns at once where it is. Raises NotCommitted."""

    async def apply(self, batch: Sequence[Change]) -> tuple[str, list[Outcome]]:
        """Decide and write posts, or exactly one other change, in one transaction under their logs' locks.

        Answers the epoch and one outcome per change, in order. Raises NotCommitted, Rejected or OutcomeUnknown.
        """

    async def find(self, batch: Sequence[Change]) -> tuple[str, list[Applied | None]]:
        """Look up what an earlier `apply` of unknown outcome wrote; None where it wrote nothing and never will.

        Raises NotCommitted where the database cannot be asked now, Rejected as `apply` does.
        """

    async def close(self) -> None: ...


RoomChange = Create | Join | Leave | Remove | SetMarker


class Plan(msgspec.Struct, frozen=True):
    """The rows a change of a room or a membership writes: one in the room's log, a notice in a user's."""

    verb: str
    kind: Kind
    notice_kind: Kind
    content: str
    subject: UserId


def plan(change: RoomChange) -> Plan:
    match change:
        case Create():
            return Plan("create", Kind.MEMBER_JOINED, Kind.ROOM_JOINED, '{"role":"owner"}', change.author)
        case Join():
            return Plan("join", Kind.MEMBER_JOINED, Kind.ROOM_JOINED, '{"role":"member"}', change.author)
        case Leave():
            return Plan("leave", Kind.MEMBER_LEFT, Kind.ROOM_LEFT, "{}", change.author)
        case Remove():
            return Plan("remove", Kind.MEMBER_REMOVED, Kind.ROOM_REMOVED, "{}", change.subject)
        case SetMarker():
            return Plan("marker", Kind.MARKER_MOVED, Kind.MARKER_MOVED, "{}", change.author)


def notice(change: Change) -> str:
    """Make the content of the row in the user's log; a marker's gets its offset and posts where they are known."""
    return msgspec.json.encode({"room": change.room}).decode()


def notice_id(change: Change) -> EntryId:
    """Derive the id of the second row, so that a repeat carries the same one."""
    if isinstance(change, SetMarker):
        return change.id
    return EntryId(str(uuid5(NAMESPACE_OID, f"{change.id}:notice")))


def logs_of(change: Change) -> list[LogId]:
    """Name the logs a change writes to, the one of its entry first."""
    match change:
        case Post():
            return [room_log(change.room)]
        case SetMarker():
            return [user_log(change.author)]
        case _:
            return [room_log(change.room), user_log(plan(change).subject)]


def applied(change: Change, rows: Sequence[Entry], *, repeated: bool, marker: int = 0) -> Applied:
    """Sort the rows a change stands for into its entry and the others."""
    main = logs_of(change)[0]
    entry = next((row for row in rows if row.log == main), None)
    offset = marker if entry is None or isinstance(change, SetMarker) else entry.offset
    others = tuple(row for row in rows if row is not entry)
    return Applied(entry=entry, others=others, offset=offset, repeated=repeated)
