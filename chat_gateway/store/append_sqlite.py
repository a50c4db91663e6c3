"""The appender on SQLite: decides in Python, inside a write transaction of the one writer thread.

`BEGIN IMMEDIATE` behind the file lock means that every read here sees all that was committed before. A post that is
refused or repeated takes no offset.
"""

from collections.abc import Sequence

from typing_extensions import override

from chat_gateway.core.changes import Applied, Change, Outcome, Post, Refusal
from chat_gateway.core.entries import Kind
from chat_gateway.core.ids import room_log
from chat_gateway.store.appender import Appender, NotCommitted, OutcomeUnknown, applied, logs_of
from chat_gateway.store.change_sqlite import make
from chat_gateway.store.ledger_sqlite import Ledger
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
    outcomes = [_post(ledger, item) if isinstance(item, Post) else make(ledger, item) for item in batch]
    ledger.store_heads()
    return ledger.epoch(), outcomes


def _post(ledger: Ledger, post: Post) -> Outcome:
    log = room_log(post.room)
    if ledger.role(post.room, post.author) is None:
        return Refusal.NO_SUCH_ROOM
    old = ledger.find(log, post.author, post.client_id)
    if old is not None:
        if old.kind != Kind.MESSAGE_POSTED or old.content != post.content:
            return Refusal.CONFLICT
        return Applied(entry=old, offset=old.offset, repeated=True)
    entry = ledger.write(log, Kind.MESSAGE_POSTED, post.id, post, content=post.content)
    ledger.mark(post.room, post.author, entry.offset, entry.posts)
    return Applied(entry=entry, offset=entry.offset)


def _find(ledger: Ledger, batch: Sequence[Change]) -> tuple[str, list[Applied | None]]:
    return ledger.epoch(), [_found(ledger, item) for item in batch]


def _found(ledger: Ledger, item: Change) -> Applied | None:
    rows = [ledger.find(log, item.author, item.client_id) for log in logs_of(item)]
    entries = [row for row in rows if row is not None]
    if item.id not in [entry.id for entry in entries]:
        return None
    return applied(item, entries, repeated=True, marker=ledger.marker(item.room, item.author))
