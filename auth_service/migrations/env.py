"""Alembic's entry: runs migrations on the database of the settings, compares against the metadata of store/tables.py.

Foreign keys are off on SQLite meanwhile: batch mode rebuilds a table by dropping it, which would cascade.
"""

import asyncio
from pathlib import Path
from typing import Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlalchemy import BigInteger, Connection, text
from sqlalchemy.types import TypeDecorator

from auth_service.settings import DatabaseSettings
from auth_service.store.database import make_engine
from auth_service.store.tables import metadata

# Any number will do, as long as no other program takes it: two migration jobs at once run one after the other.
_LOCK = 6_279_100_401


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


def _migrate(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=metadata,
        render_as_batch=True,
        render_item=_render_item,
        compare_server_default=False,
    )
    with context.begin_transaction():
        if connection.dialect.name == "postgresql":
            connection.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
        context.run_migrations()


async def _run() -> None:
    engine = make_engine(_database_url(), foreign_keys=False)
    try:
        async with engine.connect() as connection:
            await connection.run_sync(_migrate)
            await connection.commit()
    finally:
        await engine.dispose()


if context.is_offline_mode():
    raise SystemExit("Migrations need the database; offline mode is not supported.")
asyncio.run(_run())
