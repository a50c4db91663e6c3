"""The database as the actions see it: transactions over SQLite or PostgreSQL, with every subject's noun at hand.

A write transaction ends with the changes feed, then the commit, then the doorbell: nothing is published that may roll
back. The database's own troubles leave here as `store_unavailable`.
"""

import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import structlog
from sqlalchemy import URL, Connection, event, inspect, make_url, text
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, NotSupportedError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from auth_service.core import errors
from auth_service.core.changes import ChangesPage
from auth_service.core.users import UserId
from auth_service.store import changes, tables
from auth_service.store.changes import Note
from auth_service.store.keys import StoredKeys
from auth_service.store.sessions import StoredSessions
from auth_service.store.users import StoredUsers
from shared.settings import SettingsError

_DRIVERS = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg", "postgres": "postgresql+asyncpg"}
_LEAST_SQLITE = (3, 35)
_BUSY_MILLISECONDS = 5000
_MISTAKES = (IntegrityError, ProgrammingError, DataError, NotSupportedError)
_TROUBLES = (DBAPIError, PoolTimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError)


def async_url(url: str) -> URL:
    """The address with the driver that goes with it. Raises SettingsError."""
    parsed = make_url(url)
    if parsed.drivername not in _DRIVERS:
        raise SettingsError(f"AUTH_DATABASE_URL starts with {parsed.drivername}:; it takes sqlite: or postgresql:.")
    parsed = parsed.set(drivername=_DRIVERS[parsed.drivername])
    if mode := parsed.query.get("sslmode"):
        parsed = parsed.difference_update_query(["sslmode"]).update_query_dict({"ssl": mode})
    return parsed


def make_engine(url: str, *, foreign_keys: bool = True) -> AsyncEngine:
    """An engine on either database. Raises SettingsError for what cannot work."""
    parsed = async_url(url)
    if parsed.get_backend_name() == "postgresql":
        return create_async_engine(
            parsed,
            isolation_level="READ COMMITTED",
            pool_pre_ping=True,
            pool_size=10,
            pool_timeout=5,
            connect_args={"timeout": 5, "command_timeout": 10},
        )
    _prepare_sqlite(parsed)
    engine = create_async_engine(parsed, pool_size=10, pool_timeout=5)
    _configure_sqlite(engine, foreign_keys=foreign_keys)
    return engine


def _prepare_sqlite(url: URL) -> None:
    if sqlite3.sqlite_version_info < _LEAST_SQLITE:
        raise SettingsError(f"SQLite {sqlite3.sqlite_version} is too old; 3.35 or newer is needed, or PostgreSQL.")
    try:
        Path(url.database or "").parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(f"AUTH_DATABASE_URL: the folder cannot be made: {error}.") from error


def _configure_sqlite(engine: AsyncEngine, *, foreign_keys: bool) -> None:
    @event.listens_for(engine.sync_engine, "connect")
    def on_connect(connection: Any, _record: object) -> None:  # noqa: ANN401 -- the driver's own type
        # The driver's own BEGIN would come too late and deferred: we send it ourselves.
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout = {_BUSY_MILLISECONDS}")
        cursor.execute("PRAGMA journal_mode = WAL")
        cursor.execute("PRAGMA synchronous = FULL")
        cursor.execute(f"PRAGMA foreign_keys = {'ON' if foreign_keys else 'OFF'}")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def on_begin(connection: Connection) -> None:
        # A deferred transaction that turns writer half-way fails at once when somebody else wrote: writers lock first.
        is_reader = connection.get_execution_options().get("is_reader", False)
        connection.exec_driver_sql("BEGIN" if is_reader else "BEGIN IMMEDIATE")


@dataclass(frozen=True, slots=True)
class OpenTransaction:
    """One transaction: the nouns, and what the feed will hear at its end."""

    users: StoredUsers
    sessions: StoredSessions
    keys: StoredKeys
    notes: list[Note] = field(default_factory=list)

    def note_user(self, user: UserId) -> None:
        self.notes.append(Note("user", user))


class Database:
    """The store. `on_change` is called after a commit that the gateways should hear of; it must return at once."""

    def __init__(self, url: str, *, on_change: Callable[[], None]) -> None:
        self._engine = make_engine(url)
        self._on_change = on_change

    async def close(self) -> None:
        await self._engine.dispose()

    async def check(self) -> str | None:
        """For readiness: None, or why the database cannot be used."""
        async with self._engine.connect() as connection:
            await connection.execute(text("SELECT value FROM change_counter"))
        return None

    async def is_migrated(self) -> bool:
        """Whether the tables are there. Raises Unavailable."""
        async with _translated(), self._engine.connect() as connection:
            return await connection.run_sync(lambda sync: inspect(sync).has_table(tables.change_counter.name))

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[OpenTransaction]:
        async with _translated(), self._engine.begin() as connection:
            tx = _open(connection)
            yield tx
            await changes.write(connection, tx.notes)
        if tx.notes:
            self._on_change()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[OpenTransaction]:
        async with _translated(), self._engine.connect() as connection:
            yield _open(await connection.execution_options(is_reader=True))

    async def changes_after(self, cursor: int) -> ChangesPage:
        async with _translated(), self._engine.connect() as connection:
            return await changes.page(await connection.execution_options(is_reader=True), cursor)


def _open(connection: AsyncConnection) -> OpenTransaction:
    notes: list[Note] = []
    return OpenTransaction(
        StoredUsers(connection), StoredSessions(connection, notes), StoredKeys(connection, notes), notes
    )


@asynccontextmanager
async def _translated() -> AsyncIterator[None]:
    """The database's troubles as ours; what breaks a rule of the schema stays what it is: a mistake in the code."""
    try:
        yield
    except _MISTAKES:
        raise
    except _TROUBLES as error:
        structlog.get_logger(__name__).warning("store.unavailable", error=type(error).__name__)
        raise errors.store_unavailable() from error
