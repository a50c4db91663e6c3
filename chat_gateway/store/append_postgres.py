"""The appender on PostgreSQL: one call of a function of the database per batch, on one held connection.

The functions are in migrations/functions, their names end in a version, so that two releases can run together. There is
no round trip of ours under a lock, and the connection is in AUTOCOMMIT: the call is the transaction.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import Row, exc
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.pool import NullPool
from typing_extensions import override

from chat_gateway.core.changes import MAX_ROOMS, Applied, Change, Create, Outcome, Post, Refusal, SetMarker
from chat_gateway.core.entries import Entry, Kind
from chat_gateway.core.ids import LogId, room_log
from chat_gateway.store.appender import (
    Appender,
    NotCommitted,
    OutcomeUnknown,
    Rejected,
    RoomChange,
    applied,
    logs_of,
    notice,
    notice_id,
    plan,
)
from chat_gateway.store.database import CONNECT_ERRORS, is_bad_value, postgres_engine

_APPEND = "SELECT * FROM append_batch_v1($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::smallint)"
_CHANGE = (
    "SELECT * FROM change_v1($1::text, $2::text, $3::text, $4::text, $5::text, $6::text, $7::smallint, $8::text,"
    " $9::text, $10::smallint, $11::text, $12::text, $13::text, $14::bigint, $15::integer)"
)
_FIND = (
    'SELECT wanted.i, epoch.epoch, e.log_id, e."offset", e.kind, e.id, e.at, e.posts, e.subject, e.content, e.author,'
    " e.client_id, member.marker FROM epoch"
    " CROSS JOIN unnest($1::text[], $2::text[], $3::text[], $4::text[]) WITH ORDINALITY"
    " AS wanted (log_id, author, client_id, room_id, i)"
    " LEFT JOIN LATERAL (SELECT * FROM entry WHERE entry.author = wanted.author"
    " AND entry.client_id = wanted.client_id AND entry.log_id = wanted.log_id LIMIT 1) AS e ON true"
    " LEFT JOIN member ON member.room_id = wanted.room_id AND member.user_id = wanted.author"
)
_WHO = "SELECT pid, backend_start::text AS since FROM pg_stat_activity WHERE pid = pg_backend_pid()"
_END = "SELECT pg_terminate_backend(pid, $3) FROM pg_stat_activity WHERE pid = $1 AND backend_start::text = $2"

_STAYS = 2
_GREATEST = (1 << 63) - 1


class PostgresAppender(Appender):
    """Holds one session of its own. Not for concurrent use: GroupCommit calls one method at a time."""

    def __init__(self, url: str, *, patience_seconds: float = 2.0) -> None:
        milliseconds = str(int(patience_seconds * 1000))
        # enable_seqscan: a plan cached while `entry` was small must not scan it when it is big.
        settings = {"lock_timeout": milliseconds, "statement_timeout": milliseconds, "enable_seqscan": "off"}
        self._engine = postgres_engine(url, settings, poolclass=NullPool, isolation_level="AUTOCOMMIT")
        self._connection: AsyncConnection | None = None
        self._session: tuple[int, str] | None = None
        self._lost: list[tuple[int, str]] = []
        self._patience = patience_seconds

    @override
    async def connect(self) -> None:
        if self._connection is not None:
            return
        try:
            async with asyncio.timeout(self._patience):
                connection = await self._engine.connect()
        except (exc.DBAPIError, OSError, *CONNECT_ERRORS) as error:
            raise NotCommitted(str(error)) from error
        self._connection = connection
        try:
            who = (await self._execute(_WHO, ()))[0]
        except (OutcomeUnknown, NotCommitted) as error:
            await self._drop()
            raise NotCommitted(str(error)) from error
        self._session = (who.pid, who.since)

    @override
    async def apply(self, batch: Sequence[Change]) -> tuple[str, list[Outcome]]:
        first = batch[0]
        if isinstance(first, Post):
            return await self._append([change for change in batch if isinstance(change, Post)])
        try:
            return await self._change(first)
        except UnicodeError as error:
            raise Rejected(str(error)) from error

    @override
    async def find(self, batch: Sequence[Change]) -> tuple[str, list[Applied | None]]:
        """Before it looks it makes sure that the lost session can write no more: it may still wait for a lock."""
        asked = [(index, log, change) for index, change in enumerate(batch) for log in logs_of(change)]
        try:
            await self._end_lost_sessions()
            rows = await self._execute(
                _FIND,
                (
                    [log for _, log, _ in asked],
                    [change.author for _, _, change in asked],
                    [change.client_id for _, _, change in asked],
                    [change.room for _, _, change in asked],
                ),
            )
        except OutcomeUnknown as error:
            raise NotCommitted(str(error)) from error
        found: list[list[Row[Any]]] = [[] for _ in batch]
        for row in rows:
            found[asked[row.i - 1][0]].append(row)
        return rows[0].epoch, [_found(change, own) for change, own in zip(batch, found, strict=True)]

    @override
    async def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()
        await self._engine.dispose()

    async def _append(self, posts: Sequence[Post]) -> tuple[str, list[Outcome]]:
        rows = await self._execute(
            _APPEND,
            (
                [post.room for post in posts],
                [post.id for post in posts],
                [post.author for post in posts],
                [post.client_id for post in posts],
                [post.content for post in posts],
                int(Kind.MESSAGE_POSTED),
            ),
        )
        return rows[0].epoch, [_posted(post, row) for post, row in zip(posts, rows, strict=True)]

    async def _change(self, change: RoomChange) -> tuple[str, list[Outcome]]:
        intent = plan(change)
        rows = await self._execute(
            _CHANGE,
            (
                intent.verb,
                change.room,
                change.id,
                change.author,
                change.client_id,
                intent.subject,
                int(intent.kind),
                intent.content,
                notice_id(change),
                int(intent.notice_kind),
                notice(change),
                change.name if isinstance(change, Create) else "",
                change.kind if isinstance(change, Create) else "",
                min(change.offset, _GREATEST) if isinstance(change, SetMarker) else 0,
                MAX_ROOMS,
            ),
        )
        status = rows[0].status
        if status < 0:
            return rows[0].epoch, [Refusal(-status)]
        entries = [] if status == _STAYS else [_entry(change, row) for row in rows]
        return rows[0].epoch, [applied(change, entries, repeated=status == 1, marker=rows[0].marker or 0)]

    async def _execute(self, sql: str, values: tuple[object, ...]) -> Sequence[Row[Any]]:
        """Run one call. A session that fails in any unforeseen way is dropped: its transaction may have stood."""
        if self._connection is None:
            raise NotCommitted("Not connected to the chat database.")
        async with self._dropped_on_failure(), asyncio.timeout(2 * self._patience):
            rows = await self._connection.exec_driver_sql(sql, values)
        return rows.all()

    @asynccontextmanager
    async def _dropped_on_failure(self) -> AsyncIterator[None]:
        try:
            yield
        except exc.DBAPIError as error:
            state = str(getattr(error.orig, "sqlstate", None) or "")
            if is_bad_value(error):
                raise Rejected(str(error.orig)) from error
            if state and not state.startswith(("08", "57P")) and not error.connection_invalidated:
                # The server answered with an error, so it rolled back: a time-out, a deadlock, a full disk.
                raise NotCommitted(str(error.orig)) from error
            await self._drop()
            raise OutcomeUnknown(str(error.orig)) from error
        except (OSError, *CONNECT_ERRORS) as error:
            await self._drop()
            raise OutcomeUnknown(str(error)) from error
        except BaseException:
            await self._drop()
            raise

    async def _drop(self) -> None:
        connection, self._connection = self._connection, None
        session, self._session = self._session, None
        if session is not None:
            self._lost.append(session)
        if connection is not None:
            await connection.invalidate()
            await connection.close()

    async def _end_lost_sessions(self) -> None:
        while self._lost:
            ended = await self._execute(_END, (*self._lost[0], int(self._patience * 500)))
            if ended and not ended[0][0]:
                raise NotCommitted("The session whose outcome is unknown is still running.")
            self._lost.pop(0)


def _posted(post: Post, row: Row[Any]) -> Outcome:
    if row.status < 0:
        return Refusal(-row.status)
    entry = Entry(
        log=room_log(post.room),
        offset=row.offset,
        kind=Kind.MESSAGE_POSTED,
        id=row.id,
        author=post.author,
        client_id=post.client_id,
        at=row.at,
        posts=row.posts,
        content=post.content,
    )
    return Applied(entry=entry, offset=entry.offset, repeated=row.status == 1)


def _entry(change: Change, row: Row[Any]) -> Entry:
    return Entry(
        log=LogId(row.log_id),
        offset=row.offset,
        kind=row.kind,
        id=row.id,
        author=change.author,
        client_id=change.client_id,
        at=row.at,
        posts=row.posts,
        subject=row.subject,
        content=row.content,
    )


def _found(change: Change, rows: Sequence[Row[Any]]) -> Applied | None:
    entries = [_entry(change, row) for row in rows if row.log_id is not None]
    if change.id not in [entry.id for entry in entries]:
        return None
    return applied(change, entries, repeated=True, marker=rows[0].marker or 0)
