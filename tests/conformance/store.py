"""The chat's store with a policy of its own: any channel is a log, anybody writes to it, and it keeps a little history.

Tables, writer thread, file lock and commit queue are the product's; only what a post means is decided here.
"""

import sqlite3
from collections.abc import Collection, Sequence

import msgspec
from sqlalchemy import Select, func, select
from typing_extensions import override

from chat_gateway.core.changes import Applied, Change, Outcome, Post
from chat_gateway.core.entries import Entry, Kind
from chat_gateway.core.ids import LogId
from chat_gateway.realtime.ports import ChannelLog, Recovered
from chat_gateway.realtime.publication import Position, Publication
from chat_gateway.store import tables
from chat_gateway.store.appender import Appender, NotCommitted, OutcomeUnknown
from chat_gateway.store.database import Database
from chat_gateway.store.room_log import entry_of
from chat_gateway.store.sqlite_writer import NOW_MS, SqliteWriter
from tests.conformance.envelope import opened
from tests.conformance.namespaces import namespace_of

MAX_RECOVERED = 300

_EPOCH = select(tables.epoch.c.epoch).scalar_subquery()


class OpenAppender(Appender):
    """Writes every post to the channel that its `room` names; keeps no more than the namespace's history size."""

    def __init__(self, writer: SqliteWriter) -> None:
        self._writer = writer

    @override
    async def connect(self) -> None: ...

    @override
    async def apply(self, batch: Sequence[Change]) -> tuple[str, list[Outcome]]:
        return await self._writer.transaction(lambda connection: _apply(connection, batch))

    @override
    async def find(self, batch: Sequence[Change]) -> tuple[str, list[Applied | None]]:
        try:
            return await self._writer.transaction(lambda connection: _find(connection, batch))
        except OutcomeUnknown as error:
            raise NotCommitted(str(error)) from error

    @override
    async def close(self) -> None: ...


def publication_of(entry: Entry) -> Publication:
    return opened(Publication(entry.offset, entry.kind, entry.id, "", entry.content.encode()))


class History(msgspec.Struct, frozen=True):
    """What is left of a channel's publications, rising, and where its log stands."""

    head: Position
    publications: list[Publication]


class OpenLog(ChannelLog):
    def __init__(self, database: Database) -> None:
        self._database = database

    @override
    async def heads(self, channels: Collection[str]) -> dict[str, Position]:
        query = select(tables.log.c.id, tables.log.c.head, _EPOCH.label("epoch"))
        async with self._database.statement() as connection:
            rows = await connection.execute(query.where(self._database.among(tables.log.c.id, channels)))
            return {row.id: Position(row.head, row.epoch) for row in rows}

    @override
    async def read(self, channel: str, *, after: int, limit: int) -> tuple[str, list[Publication]]:
        history = await self.history(channel, after=after, limit=limit)
        return history.head.epoch, history.publications

    async def history(
        self, channel: str, *, after: int = 0, before: int | None = None, limit: int, newest: bool = False
    ) -> History:
        """Read publications between two offsets, the oldest first or last to be left out."""
        entry = tables.entry
        query = select(entry).where(entry.c.log_id == channel, entry.c.offset > after).limit(limit)
        if before is not None:
            query = query.where(entry.c.offset < before)
        order = entry.c.offset.desc() if newest else entry.c.offset
        async with self._database.snapshot() as connection:
            head = (await connection.execute(_head_of(channel))).one()
            rows = list(await connection.execute(query.order_by(order)))
        oldest = head.now - 1000 * namespace_of(channel).history_seconds
        entries = sorted((entry_of(row) for row in rows if row.at >= oldest), key=lambda one: one.offset)
        return History(Position(head.head or 0, head.epoch), [publication_of(one) for one in entries])

    async def recover(self, channel: str, since: Position | None) -> Recovered:
        limit = 0 if since is None else MAX_RECOVERED
        history = await self.history(channel, after=since.offset if since else 0, limit=limit)
        head = history.head
        if since is None or since.epoch not in ("", head.epoch):
            return Recovered(head=head, recovered=False)
        whole = len(history.publications) == head.offset - since.offset
        return Recovered(head=head, recovered=whole, publications=tuple(history.publications) if whole else ())


def _head_of(channel: str) -> Select[tuple[str, int, int]]:
    now = func.cast(func.round((func.julianday("now") - 2440587.5) * 86_400_000), tables.entry.c.at.type)
    source = tables.epoch.outerjoin(tables.log, tables.log.c.id == channel)
    return select(tables.epoch.c.epoch, tables.log.c.head, now.label("now")).select_from(source)


def _apply(connection: sqlite3.Connection, batch: Sequence[Change]) -> tuple[str, list[Outcome]]:
    outcomes: list[Outcome] = []
    for change in batch:
        assert isinstance(change, Post)
        entry = _write(connection, change)
        outcomes.append(Applied(entry=entry, offset=entry.offset, at=entry.at))
    return _epoch(connection), outcomes


def _write(connection: sqlite3.Connection, post: Post) -> Entry:
    head, now = connection.execute(
        f"SELECT coalesce((SELECT head FROM log WHERE id = ?), 0) + 1, {NOW_MS}", (post.room,)
    ).fetchone()
    connection.execute(
        "INSERT INTO log (id, head) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET head = excluded.head",
        (post.room, head),
    )
    connection.execute(
        'INSERT INTO entry (log_id, "offset", kind, id, author, client_id, at, posts, content)'
        " VALUES (?, ?, ?, ?, ?, ?, ?, 0, ?)",
        (post.room, head, int(Kind.MESSAGE_POSTED), post.id, post.author, post.client_id, now, post.content),
    )
    connection.execute(
        'DELETE FROM entry WHERE log_id = ? AND "offset" <= ?', (post.room, head - namespace_of(post.room).history_size)
    )
    return Entry(
        log=LogId(post.room),
        offset=head,
        kind=Kind.MESSAGE_POSTED,
        id=post.id,
        author=post.author,
        client_id=post.client_id,
        at=now,
        posts=0,
        content=post.content,
    )


def _find(connection: sqlite3.Connection, batch: Sequence[Change]) -> tuple[str, list[Applied | None]]:
    found: list[Applied | None] = []
    for change in batch:
        sql = 'SELECT "offset", at, content FROM entry WHERE log_id = ? AND id = ?'
        row = connection.execute(sql, (change.room, change.id)).fetchone()
        found.append(row and Applied(entry=_found(change, *row), offset=row[0], repeated=True))
    return _epoch(connection), found


def _found(change: Change, offset: int, at: int, content: str) -> Entry:
    return Entry(
        log=LogId(change.room),
        offset=offset,
        kind=Kind.MESSAGE_POSTED,
        id=change.id,
        author=change.author,
        client_id=change.client_id,
        at=at,
        posts=0,
        content=content,
    )


def _epoch(connection: sqlite3.Connection) -> str:
    return str(connection.execute("SELECT epoch FROM epoch").fetchone()[0])
