"""The two databases of a copy, each held for as long as it takes: a source nobody writes to, a target that is ours.

Holding the source makes a copy of one moment out of many pages. Gateways that still run on it go on reading; what they
would write is refused as temporary within 2 s.
"""

from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path

from sqlalchemy import exc, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from sqlalchemy.pool import NullPool

from chat_gateway.store.database import CONNECT_ERRORS, migration_engine, postgres_engine, sqlite_path
from chat_gateway.store.migrate import newest
from chat_gateway.store.tables import metadata
from shared.locks import exclusive

# A copy takes its time: no time-out of the server or of the role may end it. Only a lock is not waited for for ever.
_SETTINGS = {"statement_timeout": "0", "idle_in_transaction_session_timeout": "0"}
_LOCK_SECONDS = 10.0
_MIGRATIONS_LOCK = 0x7061726C6579
"""The one that migrations/env.py takes: no schema changes under a copy, and no second copy into the same target."""


class CopyRefused(Exception):
    """Raised where something cannot be copied, or not to there; the text says why and what to do."""


@asynccontextmanager
async def held_source(url: str, *, lock_seconds: float = _LOCK_SECONDS) -> AsyncIterator[AsyncConnection]:
    """Give one transaction in which all is read. Raises CopyRefused."""
    async with _held(url) as connection:
        if sqlite_path(url) is None:
            await connection.rollback()
            await connection.execute(text(f"SET LOCAL lock_timeout = {int(lock_seconds * 1000)}"))
            tables = ", ".join(f'"{table.name}"' for table in metadata.sorted_tables)
            await connection.execute(text(f"LOCK TABLE {tables} IN SHARE MODE"))
        yield connection


@asynccontextmanager
async def held_target(url: str) -> AsyncIterator[AsyncConnection]:
    """Give a connection on which to commit page by page. Raises CopyRefused."""
    async with _held(url) as connection:
        if sqlite_path(url) is None:
            query = text("SELECT pg_try_advisory_lock(:key)")
            if not (await connection.execute(query, {"key": _MIGRATIONS_LOCK})).scalar_one():
                raise CopyRefused("Another copy or a migration works on the target now. Wait for its end.")
        yield connection


def refuse_same(source: str, target: str) -> None:
    """Raise CopyRefused for one database under two names, as far as files show it."""
    paths = [path for path in (sqlite_path(source), sqlite_path(target)) if path is not None and path.exists()]
    is_one_file = len(paths) == 2 and paths[0].samefile(paths[1])  # noqa: PLR2004 - both of them
    if is_one_file or source == target:
        raise CopyRefused("The source and the target are the same database.")


@asynccontextmanager
async def _held(url: str) -> AsyncIterator[AsyncConnection]:
    path = sqlite_path(url)
    with ExitStack() as locks:
        if path is not None:
            _refuse_missing(path)
            locks.enter_context(exclusive(path))
        engine = _engine(url, path)
        try:
            async with engine.connect() as connection:
                await _check_migration(connection)
                yield connection
        except (exc.DBAPIError, OSError, *CONNECT_ERRORS) as error:
            reason = getattr(error, "orig", None) or error
            raise CopyRefused(f"The copy stopped: {reason}. Run it again, it goes on.") from error
        finally:
            await engine.dispose()


def _engine(url: str, path: Path | None) -> AsyncEngine:
    return postgres_engine(url, _SETTINGS, poolclass=NullPool) if path is None else migration_engine(url)


def _refuse_missing(path: Path) -> None:
    if not path.exists():
        raise CopyRefused(f"There is no chat database {path}. A target is made by: python -m chat_gateway migrate")


async def _check_migration(connection: AsyncConnection) -> None:
    try:
        found = (await connection.execute(text("SELECT version_num FROM alembic_version"))).scalar_one_or_none()
    except (exc.ProgrammingError, exc.OperationalError):
        found = None
    if found != newest():
        name = connection.engine.url.render_as_string(hide_password=True)
        raise CopyRefused(
            f"{name} is at migration {found or 'none'}, this release works on {newest()}."
            " Bring both databases up to date: CHAT_DATABASE_URL=... python -m chat_gateway migrate"
        )
