"""Electing one of the processes that share a chat database, for work that only one should do.

The office is a lock: an advisory lock held by a session of PostgreSQL, or a lock on a file beside a SQLite database. It
ends with its holder, however that ends. It saves double work; what is written must bear two holders for a moment.
"""

import fcntl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from sqlalchemy import exc, text
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.pool import NullPool

from chat_gateway.core.errors import store_unavailable
from chat_gateway.store.database import CONNECT_ERRORS, Database, postgres_engine, sqlite_path

_FAILURES = (exc.DBAPIError, OSError, TimeoutError, *CONNECT_ERRORS)


class PostgresElection:
    """`key` names the office. Not for concurrent use."""

    def __init__(self, url: str, key: int) -> None:
        self._engine = postgres_engine(
            url, {"statement_timeout": "2000"}, poolclass=NullPool, isolation_level="AUTOCOMMIT"
        )
        self._key = key
        self._session: AsyncConnection | None = None

    @asynccontextmanager
    async def office(self) -> AsyncIterator[bool]:
        """Try to be the one; answers whether one is, until the context ends. Raises Unavailable."""
        try:
            session = await self._engine.connect()
        except _FAILURES as error:
            raise store_unavailable() from error
        try:
            self._session = session
            yield await self._is_true("SELECT pg_try_advisory_lock(:key)")
        finally:
            self._session = None
            # closing the session gives the lock back, also where it cannot be asked any more
            await session.invalidate()
            await session.close()

    async def holds(self) -> bool:
        """Whether the office is still held: the session is there. Raises Unavailable."""
        return await self._is_true("SELECT true")

    async def _is_true(self, question: str) -> bool:
        if self._session is None:
            return False
        try:
            answer = await self._session.execute(text(question), {"key": self._key} if ":key" in question else {})
            return bool(answer.scalar_one())
        except _FAILURES as error:
            raise store_unavailable() from error


class FileElection:
    """`path` is the file whose lock is the office; it is made where it is not there."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @asynccontextmanager
    async def office(self) -> AsyncIterator[bool]:
        """Try to be the one; answers whether one is, until the context ends. Raises Unavailable."""
        try:
            side = self._path.open("a")
        except OSError as error:
            raise store_unavailable() from error
        with side:
            try:
                fcntl.flock(side, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
            else:
                yield True

    async def holds(self) -> bool:
        return True


def election(database: Database, name: str, key: int) -> PostgresElection | FileElection:
    """Make the election of an office, named for a file and numbered for PostgreSQL."""
    path = sqlite_path(database.url)
    if path is None:
        return PostgresElection(database.url, key)
    return FileElection(path.with_name(f"{path.name}.{name}.lock"))
