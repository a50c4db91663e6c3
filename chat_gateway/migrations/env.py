"""Runs the migrations of the chat database in one transaction, alone: advisory lock on PostgreSQL, else the write lock.

The database is named by the caller (`store/migrate.py`), by `-x url=...`, or by CHAT_DATABASE_URL.
"""

import asyncio
import os

from alembic import context
from sqlalchemy import Connection, text

from chat_gateway.store.database import migration_engine, sqlite_path
from chat_gateway.store.tables import metadata
from shared.locks import exclusive

_LOCK = 0x7061726C6579  # "parley"

# What one of the two databases has and the tables of the other do not know, written by hand in the migrations.
_BY_HAND = ("search_fts", "ix_search_tokens", "ix_search_grams", "ix_room_public")


def _url() -> str:
    url = context.config.attributes.get("url") or context.get_x_argument(as_dictionary=True).get("url")
    url = url or os.environ.get("CHAT_DATABASE_URL")  # noqa: TID251 -- alembic's own command line has no settings object
    if not url:
        raise SystemExit("Name the chat database: set CHAT_DATABASE_URL or pass -x url=sqlite:///var/chat.db.")
    return str(url)


def _is_compared(name: str | None, _kind: str, _parents: object) -> bool:
    return name is None or not name.startswith(_BY_HAND)


def _migrate(connection: Connection) -> None:
    context.configure(
        connection=connection, target_metadata=metadata, compare_server_default=True, include_name=_is_compared
    )
    with context.begin_transaction():
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        context.run_migrations()


async def _run(url: str) -> None:
    engine = migration_engine(url)
    try:
        async with engine.connect() as connection:
            await connection.run_sync(_migrate)
    finally:
        await engine.dispose()


def _run_alone(url: str) -> None:
    path = sqlite_path(url)
    if path is None:
        asyncio.run(_run(url))
    else:
        path.parent.mkdir(parents=True, exist_ok=True)
        with exclusive(path):
            asyncio.run(_run(url))


if context.is_offline_mode():
    raise SystemExit("The migrations of the chat database run against a database only; --sql is not supported.")
_run_alone(_url())
