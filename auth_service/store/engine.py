"""Engines on either database: the driver, the time-outs, and what SQLite has to be told for each connection."""

import sqlite3
from pathlib import Path
from typing import Any

import asyncpg
from sqlalchemy import URL, Connection, event, inspect, make_url, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from shared.settings import SettingsError

CONNECT_ERRORS = (asyncpg.PostgresError, asyncpg.InterfaceError)
"""What a failing connect to PostgreSQL raises untranslated, besides OSError."""

_DRIVERS = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg", "postgres": "postgresql+asyncpg"}
_LEAST_SQLITE = (3, 35)
_BUSY_MILLISECONDS = 5000
_COMMAND_SECONDS = 10


def async_url(url: str) -> URL:
    """The address with the driver that goes with it. Raises SettingsError."""
    parsed = make_url(url)
    if parsed.drivername not in _DRIVERS:
        raise SettingsError(f"AUTH_DATABASE_URL starts with {parsed.drivername}:; it takes sqlite: or postgresql:.")
    parsed = parsed.set(drivername=_DRIVERS[parsed.drivername])
    if mode := parsed.query.get("sslmode"):
        parsed = parsed.difference_update_query(["sslmode"]).update_query_dict({"ssl": mode})
    return parsed


def sqlite_path(url: str) -> Path | None:
    """The file of a SQLite database; None for PostgreSQL. Raises SettingsError."""
    parsed = async_url(url)
    return None if parsed.get_backend_name() == "postgresql" else Path(parsed.database or "")


def make_engine(
    url: str, *, foreign_keys: bool = True, command_seconds: float | None = _COMMAND_SECONDS
) -> AsyncEngine:
    """An engine on either database; no statement takes longer on PostgreSQL. Raises SettingsError for what cannot work.

    Foreign keys are SQLite's to switch.
    """
    parsed = async_url(url)
    if parsed.get_backend_name() == "postgresql":
        return create_async_engine(
            parsed,
            isolation_level="READ COMMITTED",
            pool_pre_ping=True,
            pool_size=10,
            pool_timeout=5,
            hide_parameters=True,
            connect_args={"timeout": 5, "command_timeout": command_seconds},
        )
    _prepare_sqlite(parsed)
    engine = create_async_engine(parsed, pool_size=10, pool_timeout=5, hide_parameters=True)
    _configure_sqlite(engine, foreign_keys=foreign_keys)
    return engine


def _prepare_sqlite(url: URL) -> None:
    if sqlite3.sqlite_version_info < _LEAST_SQLITE:
        raise SettingsError(f"SQLite {sqlite3.sqlite_version} is too old; 3.35 or newer is needed, or PostgreSQL.")
    path = Path(url.database or "")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            # Nobody else of the machine reads hashes and keys; SQLite gives its logs the rights of the file.
            path.touch(mode=0o600)
    except OSError as error:
        raise SettingsError(f"AUTH_DATABASE_URL: the folder or the file cannot be made: {error}.") from error


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
        options = connection.get_execution_options()
        if options.get("is_look", False):
            return
        # A deferred transaction that turns writer half-way fails at once when somebody else wrote: writers lock first.
        connection.exec_driver_sql("BEGIN" if options.get("is_reader", False) else "BEGIN IMMEDIATE")


async def look_only(connection: AsyncConnection) -> AsyncConnection:
    """For a single statement that reads: it needs no transaction around it, and none is begun or rolled back."""
    if connection.dialect.name == "postgresql":
        return await connection.execution_options(isolation_level="AUTOCOMMIT")
    return await connection.execution_options(is_look=True)


async def revision_of(connection: AsyncConnection) -> str | None:
    if not await connection.run_sync(lambda sync: inspect(sync).has_table("alembic_version")):
        return None
    found: str | None = await connection.scalar(text("SELECT version_num FROM alembic_version"))
    return found
