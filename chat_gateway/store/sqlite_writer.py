"""The one writer of a SQLite chat database in this process: a thread, behind a file lock that is fair among processes.

SQLite's own busy handler polls and starves; a blocking flock taken before BEGIN IMMEDIATE is a queue. *Every* write to
the database takes it, here and in the migrations.
"""

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any, TypeVar

from chat_gateway.store.appender import NotCommitted, OutcomeUnknown, Rejected
from shared.locks import exclusive

T = TypeVar("T")

NOW_MS = "CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER)"
"""The database's clock in SQL; unixepoch('subsec') is younger than the oldest SQLite we run on."""

OLDEST = (3, 35, 0)
_BUSY_MS = 2_000
_REJECTIONS = (sqlite3.IntegrityError, sqlite3.DataError, sqlite3.InterfaceError, UnicodeError, OverflowError)


def check_version() -> None:
    if sqlite3.sqlite_version_info < OLDEST:
        raise RuntimeError(f"SQLite {sqlite3.sqlite_version} is too old: Parley needs 3.35 or newer, or PostgreSQL.")
    with closing(sqlite3.connect(":memory:")) as connection:
        try:
            connection.execute("CREATE VIRTUAL TABLE probe USING fts5 (text)")
        except sqlite3.Error as error:
            raise RuntimeError("This Python's SQLite has no FTS5, which search needs. Use PostgreSQL.") from error


def _look_at(future: asyncio.Future[Any]) -> None:
    """Retrieve the failure of withdrawn work, which nobody awaits any more."""
    if not future.cancelled():
        future.exception()


class _Ticket:
    """A place in the queue for the lock: begun by the thread or withdrawn by the loop, whichever comes first."""

    def __init__(self) -> None:
        self._claim = threading.Lock()

    def take(self) -> bool:
        return self._claim.acquire(blocking=False)


class SqliteWriter:
    """Runs work in write transactions, one at a time."""

    def __init__(self, path: Path, *, patience_seconds: float = 2.0) -> None:
        self._path = path
        self._patience = patience_seconds
        self._thread = ThreadPoolExecutor(1, "sqlite-writer")
        self._connection: sqlite3.Connection | None = None

    async def transaction(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Commit what the work does and answer what it answers. Cancelling the awaiter does not take it back.

        Raises NotCommitted, also where the lock did not come in time; Rejected; OutcomeUnknown; what the work raises.
        """
        ticket = _Ticket()
        running = asyncio.get_running_loop().run_in_executor(self._thread, self._run, ticket, work)
        running.add_done_callback(_look_at)
        done, _ = await asyncio.wait({running}, timeout=self._patience)
        if not done and ticket.take():
            raise NotCommitted("The write lock of the chat database is held by another process.")
        return await asyncio.shield(running)

    async def close(self) -> None:
        """End the thread; work that waits for the lock is given up, never half done."""
        self._thread.submit(self._disconnect)
        await asyncio.to_thread(self._thread.shutdown)

    def _run(self, ticket: _Ticket, work: Callable[[sqlite3.Connection], T]) -> T:
        try:
            with exclusive(self._path):
                if not ticket.take():
                    raise NotCommitted("Withdrawn before it was begun.")
                return self._commit(work)
        except _REJECTIONS as error:
            raise Rejected(str(error)) from error
        except (sqlite3.Error, OSError) as error:
            self._disconnect()
            raise NotCommitted(str(error)) from error

    def _commit(self, work: Callable[[sqlite3.Connection], T]) -> T:
        connection = self._connect()
        connection.execute("BEGIN IMMEDIATE")
        try:
            result = work(connection)
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        try:
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            self._disconnect()
            raise OutcomeUnknown(str(error)) from error
        return result

    def _connect(self) -> sqlite3.Connection:
        if self._connection is None:
            # No creation: a database that is not there is a wrong path, not an empty chat.
            connection = sqlite3.connect(f"{self._path.absolute().as_uri()}?mode=rw", uri=True, isolation_level=None)
            self._connection = connection
            for pragma in (f"busy_timeout={_BUSY_MS}", "journal_mode=WAL", "synchronous=FULL", "secure_delete=ON"):
                connection.execute(f"PRAGMA {pragma}").fetchall()
        return self._connection

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
