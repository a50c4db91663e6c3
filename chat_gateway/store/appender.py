"""What group commit needs of a database: to decide and write a batch in one transaction, and to say what became of it.

The three exceptions tell what is known when that failed. An appender translates its library's errors into them.
"""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from chat_gateway.core.changes import Applied, Change, Outcome, Post, Refusal
from chat_gateway.core.decisions import question
from chat_gateway.core.effects import Repeats, Stays
from chat_gateway.core.entries import Entry
from chat_gateway.core.facts import EntryFact, Facts
from chat_gateway.core.ids import LogId, room_log


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


def logs_of(change: Change) -> tuple[LogId, ...]:
    """Name the logs a change may write to, the one of its entry first."""
    return (room_log(change.room),) if isinstance(change, Post) else question(change).logs


def applied(
    change: Change, rows: Sequence[Entry], *, repeated: bool = False, marker: int | None = None, at: int = 0
) -> Applied:
    """Sort the rows a change stands for into its entry and the others. A marker says where it stands."""
    main = logs_of(change)[0]
    entry = next((row for row in rows if row.log == main), None)
    offset = entry.offset if marker is None and entry is not None else marker or 0
    others = tuple(row for row in rows if row is not entry)
    return Applied(entry=entry, others=others, offset=offset, repeated=repeated, at=at)


def settled(change: Change, decision: Stays | Repeats | Refusal, facts: Facts) -> Outcome:
    """Answer a decision that writes nothing."""
    match decision:
        case Repeats():
            return applied(change, earlier(change, facts), repeated=True, marker=decision.marker)
        case Stays():
            return applied(change, (), marker=decision.marker)
        case Refusal():
            return decision


def found(change: Change, facts: Facts) -> Applied | None:
    """Tell from the facts whether this very change was made, and what it is answered with."""
    if change.id not in [entry.id for entry in facts.repeats]:
        return None
    marker = None if facts.marker is None else facts.marker.marker
    return applied(change, earlier(change, facts), repeated=True, marker=marker)


def earlier(change: Change, facts: Facts) -> list[Entry]:
    """Give the rows that a change with the same author and client_id wrote."""
    return [entry_of(change, fact) for fact in facts.repeats]


def entry_of(change: Change, fact: EntryFact) -> Entry:
    return Entry(author=change.author, client_id=change.client_id, **msgspec.structs.asdict(fact))
