"""The chat database: one engine for reading, and short write transactions for what is no log.

Reads are snapshots: REPEATABLE READ on PostgreSQL, a deferred transaction in WAL mode on SQLite, where the connections
of this engine cannot write at all. Library errors leave here as Unavailable `store_unavailable`, reads that take too
long too.
"""

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator, Collection, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import asyncpg
from sqlalchemy import URL, ColumnElement, Connection, Text, any_, event, exc, func, literal, select, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.engine import make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from chat_gateway.core.errors import not_storable, store_unavailable
from chat_gateway.store.appender import NotCommitted, OutcomeUnknown, Rejected
from chat_gateway.store.sqlite_writer import SqliteWriter, check_version

Statement = tuple[str, Sequence[Mapping[str, Any]]]
"""SQL that both databases take, with `:named` values, and the rows it runs for."""

CONNECT_ERRORS = (asyncpg.PostgresError, asyncpg.InterfaceError)
"""What a failing connect to PostgreSQL raises untranslated, besides OSError."""

UNFINISHED = "~"
"""What the epoch of a copy begins with until it is whole (store/copying.py); no other epoch has this character."""

_CONNECT_SECONDS = 2
_READ_SECONDS = 1.0
"""How long a SQLite reader may hold its snapshot: while it does, no checkpoint gets past it and the WAL grows."""

_EXISTING = {"mode": "rw", "uri": "true"}
_SQLITE_READ_PRAGMAS = ("busy_timeout=2000", "journal_mode=WAL", "query_only=ON")


def sqlite_path(url: str) -> Path | None:
    """Name the file of a SQLite URL; None for PostgreSQL. Raises ValueError for anything else."""
    parsed = make_url(url)
    match parsed.get_backend_name():
        case "sqlite":
            if not parsed.database or parsed.database == ":memory:":
                raise ValueError("A SQLite chat database is a file: sqlite:///var/chat.db.")
            return Path(parsed.database)
        case "postgresql":
            return None
        case other:
            raise ValueError(f"A chat database is sqlite:///file or postgresql://host/name, not {other}://.")


def postgres_engine(url: str, settings: Mapping[str, str], **options: object) -> AsyncEngine:
    """Make an engine whose sessions have these settings; jit is off, for it costs more than it gives."""
    session = {"application_name": "parley-chat", "jit": "off", **settings}
    return create_async_engine(
        make_url(url).set(drivername="postgresql+asyncpg"),
        hide_parameters=True,
        connect_args={"timeout": _CONNECT_SECONDS, "server_settings": session},
        **options,
    )


def migration_engine(url: str) -> AsyncEngine:
    path = sqlite_path(url)
    if path is None:
        return postgres_engine(url, {}, poolclass=NullPool)
    check_version()
    if not path.exists():
        # Nobody else of the machine reads messages; SQLite gives its logs the rights of the file.
        path.touch(mode=0o600)
    url_with_driver = make_url(url).set(drivername="sqlite+aiosqlite")
    engine = create_async_engine(url_with_driver, poolclass=NullPool, hide_parameters=True)
    _control_transactions(engine, ("journal_mode=WAL", "synchronous=FULL"))
    return engine


def is_bad_value(error: exc.DBAPIError) -> bool:
    """Tell a value the database does not take (SQLSTATE class 22, or 23: a constraint) from any other failure."""
    state = str(getattr(error.orig, "sqlstate", None) or "")
    is_unsendable = isinstance(getattr(error.orig, "__cause__", None), ValueError)
    return state[:2] in {"22", "23"} or is_unsendable or isinstance(error, exc.IntegrityError | exc.DataError)


class Database:
    """Open it once per process: `check` before the first use, `close` at the end. Making one does no I/O."""

    def __init__(
        self, url: str, *, pool_size: int = 8, patience_seconds: float = 2.0, read_seconds: float = _READ_SECONDS
    ) -> None:
        path = sqlite_path(url)
        self.url = url
        self.writer = SqliteWriter(path, patience_seconds=patience_seconds) if path else None
        limits = {"pool_size": pool_size, "max_overflow": 0, "pool_timeout": patience_seconds}
        if path is None:
            patience = {"statement_timeout": "5000", "idle_in_transaction_session_timeout": "5000"}
            self._engine = postgres_engine(url, patience, **limits)
            self._snapshots = self._engine.execution_options(
                isolation_level="REPEATABLE READ", postgresql_readonly=True
            )
            self._statements = self._engine.execution_options(isolation_level="AUTOCOMMIT")
        else:
            check_version()
            # No creation: a database that is not there is a wrong path, not an empty chat.
            file = URL.create("sqlite+aiosqlite", database=f"file:{quote(str(path))}", query=_EXISTING)
            self._engine = create_async_engine(file, hide_parameters=True, **limits)
            _control_transactions(self._engine, _SQLITE_READ_PRAGMAS)
            self._snapshots = self._statements = self._engine
        self._read_seconds = read_seconds

    @property
    def is_postgres(self) -> bool:
        return self.writer is None

    async def check(self) -> None:
        """Raise RuntimeError with what to do where the database cannot serve Parley; Unavailable where it is away."""
        if self.is_postgres:
            async with self.statement() as connection:
                encoding = (await connection.execute(text("SHOW server_encoding"))).scalar_one()
            if encoding != "UTF8":
                raise RuntimeError(f"The chat database has the encoding {encoding}; create it with ENCODING 'UTF8'.")
        try:
            async with self.statement() as connection:
                epoch = str((await connection.execute(text("SELECT epoch FROM epoch"))).scalar_one())
        except exc.ProgrammingError as error:
            raise RuntimeError("The chat database has no tables. Run: python -m chat_gateway migrate") from error
        if epoch.startswith(UNFINISHED):
            raise RuntimeError("The chat database is a copy that was not finished. Run the copy again to its end.")

    async def close(self) -> None:
        await self._engine.dispose()
        if self.writer:
            await self.writer.close()

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[AsyncConnection]:
        """Give a connection on which all reads see one state of the database. Keep it short."""
        with _translated():
            async with self._snapshots.begin() as connection, self._bounded(connection):
                yield connection

    @asynccontextmanager
    async def statement(self) -> AsyncIterator[AsyncConnection]:
        """Give a connection for one reading statement: no round trips for a transaction."""
        with _translated():
            async with self._statements.connect() as connection, self._bounded(connection):
                yield connection

    async def write(self, *statements: Statement) -> None:
        """Run the statements in one transaction; not for logs, which GroupCommit alone writes."""
        with _translated():
            if self.writer:
                await self.writer.transaction(lambda connection: _run_all(connection, statements))
                return
            async with self._engine.begin() as connection:
                for sql, rows in statements:
                    await connection.execute(text(sql), list(rows))

    @asynccontextmanager
    async def _bounded(self, connection: AsyncConnection) -> AsyncIterator[None]:
        """End a read on SQLite that takes too long; PostgreSQL does that by its own settings."""
        if self.is_postgres:
            yield
            return
        driver = (await connection.get_raw_connection()).driver_connection
        assert driver is not None, "a connection that was just taken is open"  # noqa: S101 - tells mypy
        # Cancelling alone frees only the one who waits: the driver's thread would go on reading.
        alarm = asyncio.get_running_loop().call_later(self._read_seconds, driver._conn.interrupt)  # noqa: SLF001
        try:
            async with asyncio.timeout(self._read_seconds):
                yield
        finally:
            alarm.cancel()

    def among(self, column: ColumnElement[str], values: Collection[str]) -> ColumnElement[bool]:
        """Compare with any number of values in one bound parameter."""
        if self.is_postgres:
            return column == any_(literal(list(values), ARRAY(Text)))
        listed = func.json_each(json.dumps(list(values))).table_valued("value")
        return column.in_(select(listed.c.value))


def _run_all(connection: sqlite3.Connection, statements: Sequence[Statement]) -> None:
    for sql, rows in statements:
        connection.executemany(sql, rows)


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (UnicodeError, OverflowError, Rejected) as error:
        raise not_storable() from error
    except exc.ProgrammingError:
        raise
    except exc.DBAPIError as error:
        raise (not_storable() if is_bad_value(error) else store_unavailable()) from error
    except (NotCommitted, OutcomeUnknown, exc.TimeoutError, OSError, *CONNECT_ERRORS) as error:
        raise store_unavailable() from error


def _control_transactions(engine: AsyncEngine, pragmas: Sequence[str]) -> None:
    """Begin transactions ourselves: the driver would leave reads and schema changes outside of them."""

    @event.listens_for(engine.sync_engine, "connect")
    def _connected(connection: DBAPIConnection, _record: object) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in pragmas:
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def _begun(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN")
