"""The appender on PostgreSQL: one call of a function of the database per batch of posts, two per other change.

The functions are in migrations/functions, their names end in a version, so that two releases can run together. The
connection, which is held, is in AUTOCOMMIT: a call is a transaction, and there is no round trip of ours under a lock.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import msgspec
from sqlalchemy import Row, exc
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.pool import NullPool
from typing_extensions import override

from chat_gateway.core.changes import Applied, Change, Outcome, Post
from chat_gateway.core.decisions import decide, question
from chat_gateway.core.effects import Effect, Effects
from chat_gateway.core.facts import EntryFact, Facts, Question
from chat_gateway.store import posts_postgres
from chat_gateway.store.appender import (
    Appender,
    NotCommitted,
    OutcomeUnknown,
    Rejected,
    applied,
    entry_of,
    found,
    settled,
)
from chat_gateway.store.database import CONNECT_ERRORS, is_bad_value, postgres_engine

_FACTS = "SELECT epoch.epoch, facts_v1($1::text::jsonb)::text AS facts FROM epoch"
_APPLY = "SELECT apply_v1($1::text::jsonb, $2::text::jsonb, $3::text::jsonb)::text AS answer"
_WHO = "SELECT pid, backend_start::text AS since FROM pg_stat_activity WHERE pid = pg_backend_pid()"
_END = "SELECT pg_terminate_backend(pid, $3) FROM pg_stat_activity WHERE pid = $1 AND backend_start::text = $2"

_MOST_TRIES = 20
"""How often a change is decided anew because others changed what it was decided from."""


_NOTHING = msgspec.Raw()


class _Answer(msgspec.Struct):
    """What apply_v1 answers."""

    stale: msgspec.Raw = _NOTHING
    epoch: str = ""
    at: int = 0
    entries: tuple[EntryFact, ...] = ()


_decode_facts = msgspec.json.Decoder(Facts).decode
_decode_answer = msgspec.json.Decoder(_Answer).decode


class PostgresAppender(Appender):
    """Holds one session of its own. Not for concurrent use: GroupCommit calls one method at a time."""

    def __init__(self, url: str, *, patience_seconds: float = 2.0) -> None:
        milliseconds = str(int(patience_seconds * 1000))
        # enable_seqscan: a plan cached while `entry` was small must not scan it when it is big.
        settings = {"lock_timeout": milliseconds, "statement_timeout": milliseconds, "enable_seqscan": "off"}
        self._engine = postgres_engine(url, settings, poolclass=NullPool, isolation_level="AUTOCOMMIT")
        self._connection: AsyncConnection | None = None
        self._driver: asyncpg.Connection | None = None
        self._session: tuple[int, str] | None = None
        self._lost: list[tuple[int, str]] = []
        self._patience = patience_seconds

    @override
    async def connect(self) -> None:
        if self._driver is not None:
            if not self._driver.is_closed():
                return
            # Ended by the server while idle. Written to, it would make an outcome unknown that is known: nothing.
            await self._drop()
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
        self._driver = (await connection.get_raw_connection()).driver_connection

    @override
    async def apply(self, batch: Sequence[Change]) -> tuple[str, list[Outcome]]:
        posts = [change for change in batch if isinstance(change, Post)]
        if posts:
            return await self._append(posts)
        try:
            return await self._change(batch[0])
        except UnicodeError as error:
            # Half a surrogate pair: a decision that puts it into a content fails before the database could.
            raise Rejected(str(error)) from error

    @override
    async def find(self, batch: Sequence[Change]) -> tuple[str, list[Applied | None]]:
        """Before it looks it makes sure that the lost session can write no more: it may still wait for a lock."""
        posts = [change for change in batch if isinstance(change, Post)]
        try:
            await self._end_lost_sessions()
            if posts:
                rows = await self._execute(posts_postgres.FIND, posts_postgres.wanted(posts))
                return rows[0].epoch, [posts_postgres.found(post, row) for post, row in zip(posts, rows, strict=True)]
            epoch, facts = await self._facts(question(batch[0]))
        except OutcomeUnknown as error:
            raise NotCommitted(str(error)) from error
        return epoch, [found(batch[0], _decode_facts(facts))]

    @override
    async def close(self) -> None:
        connection, self._connection, self._driver = self._connection, None, None
        if connection is not None:
            await connection.close()
        await self._engine.dispose()

    async def _append(self, posts: Sequence[Post]) -> tuple[str, list[Outcome]]:
        rows = await self._execute(posts_postgres.APPEND, posts_postgres.arguments(posts))
        return rows[0].epoch, [posts_postgres.outcome(post, row) for post, row in zip(posts, rows, strict=True)]

    async def _change(self, change: Change) -> tuple[str, list[Outcome]]:
        """Decide without a lock, and have it made if the facts still hold under the locks; else decide anew."""
        asked = question(change)
        epoch, known = await self._facts(asked)
        for _ in range(_MOST_TRIES):
            facts = _decode_facts(known)
            decision = decide(change, facts)
            if not isinstance(decision, Effects):
                return epoch, [settled(change, decision, facts)]
            if facts.marker is not None:
                # The head may move on; that the marker goes to where it was found does not depend on it.
                asked = msgspec.structs.replace(asked, offset=facts.marker.offset)
            answer = _decode_answer(await self._apply(asked, known, decision.effects))
            if not bytes(answer.stale):
                entries = [entry_of(change, fact) for fact in answer.entries]
                return answer.epoch, [applied(change, entries, marker=decision.marker, at=answer.at)]
            known = bytes(answer.stale).decode()
        raise NotCommitted(f"The room changed {_MOST_TRIES} times while a change of it was decided.")

    async def _facts(self, asked: Question) -> tuple[str, str]:
        row = (await self._execute(_FACTS, (_json(asked),)))[0]
        return row.epoch, row.facts

    async def _apply(self, asked: Question, known: str, effects: Sequence[Effect]) -> str:
        values = (_json(asked), known, _json(effects))
        return str((await self._execute(_APPLY, values))[0].answer)

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
        self._driver = None
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


def _json(value: Question | Sequence[Effect]) -> str:
    try:
        return msgspec.json.encode(value).decode()
    except UnicodeError as error:
        raise Rejected(str(error)) from error
