"""Alembic's entry: runs migrations on the database of the settings, compares against the metadata of store/tables.py.

All of them in one transaction, and alone: an advisory lock on PostgreSQL, a file lock on SQLite, which both end with
their holder. Foreign keys are off on SQLite meanwhile: batch mode rebuilds a table by dropping it, which would cascade.
"""

import asyncio
from contextlib import ExitStack
from pathlib import Path
from typing import Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from alembic.runtime.migration import MigrationContext
from sqlalchemy import BigInteger, Connection, text
from sqlalchemy.types import TypeDecorator

from auth_service.core.audit import Event, record
from auth_service.core.callers import Caller
from auth_service.settings import DatabaseSettings
from auth_service.store.audit import INSERTION, rows_of
from auth_service.store.engine import make_engine, sqlite_path
from auth_service.store.migrate import LOCK
from auth_service.store.tables import metadata
from shared.locks import exclusive

_POSTGRES_THAT_LOOKS = 140000


def _database_url() -> str:
    given = context.config.attributes.get("database_url")
    if isinstance(given, str):
        return given
    file = context.get_x_argument(as_dictionary=True).get("config")
    return DatabaseSettings.load(Path(str(file)) if file else None, "auth").database_url


def _render_item(kind: str, item: object, _context: AutogenContext) -> str | Literal[False]:
    """Own column types appear in migrations as what they store: a migration must not change with our code."""
    if kind == "type" and isinstance(item, TypeDecorator):
        return f"sa.{'BigInteger' if isinstance(item.impl, BigInteger) else type(item.impl).__name__}()"
    return False


def _lock(connection: Connection) -> None:
    if connection.scalar(text("SELECT current_setting('server_version_num')::int")) >= _POSTGRES_THAT_LOOKS:
        # A server that works, or waits for a table, does not see by itself that its client was killed, and would keep
        # the lock for a dead one until it has done.
        connection.execute(text("SET LOCAL client_connection_check_interval = '1s'"))
    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK})


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _record(connection: Connection, before: str, after: str) -> None:
    """In the transaction of the migrations: whoever found them done leaves none."""
    operator = context.config.attributes.get("operator")
    if isinstance(operator, Caller):
        records = [record(Event.DATABASE_MIGRATED, None, operator, before=before, after=after)]
        connection.execute(INSERTION, rows_of(records))
        context.config.attributes["written"].extend(records)


def _migrate(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=metadata,
        render_as_batch=True,
        render_item=_render_item,
        compare_server_default=False,  # SQLite gives an empty text back as something else
    )
    with context.begin_transaction():
        if connection.dialect.name == "postgresql":
            _lock(connection)
        before = _revision(connection)
        context.run_migrations()
        if (after := _revision(connection)) != before:
            _record(connection, before or "none", after or "none")


async def _run(url: str) -> None:
    # A large table takes its time, and so does the turn of whoever was first.
    engine = make_engine(url, foreign_keys=False, command_seconds=None)
    try:
        async with engine.connect() as connection:
            await connection.run_sync(_migrate)
            await connection.commit()
    finally:
        await engine.dispose()


def _run_alone(url: str) -> None:
    path = sqlite_path(url)
    with ExitStack() as locks:
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            locks.enter_context(exclusive(path))
        asyncio.run(_run(url))


if context.is_offline_mode():
    raise SystemExit("Migrations need the database; offline mode is not supported.")
_run_alone(_database_url())
