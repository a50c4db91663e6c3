"""The appender on SQLite: decides in Python, inside a write transaction of the one writer thread.

`BEGIN IMMEDIATE` behind the file lock means that every read here sees all that was committed before. A post that is
refused or repeated takes no offset.
"""

from collections.abc import Sequence

from typing_extensions import override

from chat_gateway.core.changes import Applied, Change, Outcome, Post
from chat_gateway.core.decisions import decide, question
from chat_gateway.core.effects import Effects
from chat_gateway.core.ids import room_log
from chat_gateway.store import effects_sqlite, facts_sqlite
from chat_gateway.store.appender import Appender, NotCommitted, OutcomeUnknown, applied, found, settled
from chat_gateway.store.ledger_sqlite import Ledger
from chat_gateway.store.posts_sqlite import Posts
from chat_gateway.store.sqlite_writer import SqliteWriter


class SqliteAppender(Appender):
    """Shares the writer with whatever else in this process writes to the database; its owner closes it."""

    def __init__(self, writer: SqliteWriter) -> None:
        self._writer = writer

    @override
    async def connect(self) -> None:
        """Nothing to do: a file is opened with the first transaction."""

    @override
    async def apply(self, batch: Sequence[Change]) -> tuple[str, list[Outcome]]:
        return await self._writer.transaction(lambda connection: _apply(Ledger(connection), batch))

    @override
    async def find(self, batch: Sequence[Change]) -> tuple[str, list[Applied | None]]:
        try:
            return await self._writer.transaction(lambda connection: _find(Ledger(connection), batch))
        except OutcomeUnknown as error:
            raise NotCommitted(str(error)) from error

    @override
    async def close(self) -> None:
        """Nothing is held."""


def _apply(ledger: Ledger, batch: Sequence[Change]) -> tuple[str, list[Outcome]]:
    posts = Posts(ledger)
    outcomes = [posts.append(change) if isinstance(change, Post) else _make(ledger, change) for change in batch]
    ledger.store_heads()
    return ledger.epoch(), outcomes


def _make(ledger: Ledger, change: Change) -> Outcome:
    facts = facts_sqlite.read(ledger, question(change))
    decision = decide(change, facts)
    if not isinstance(decision, Effects):
        return settled(change, decision, facts)
    entries = effects_sqlite.write(ledger, change, decision.effects)
    return applied(change, entries, marker=decision.marker, at=ledger.now)


def _find(ledger: Ledger, batch: Sequence[Change]) -> tuple[str, list[Applied | None]]:
    return ledger.epoch(), [_found(ledger, change) for change in batch]


def _found(ledger: Ledger, change: Change) -> Applied | None:
    if not isinstance(change, Post):
        return found(change, facts_sqlite.read(ledger, question(change)))
    entry = ledger.find(room_log(change.room), change.author, change.client_id)
    return applied(change, [entry], repeated=True) if entry and entry.id == change.id else None
