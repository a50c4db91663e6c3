"""The two databases of a copy, each held for as long as it takes: a source nobody writes to, a target that is ours.

Holding the source makes a copy of one moment out of many pages. What services that still run on it would write
meanwhile is refused as temporary.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, nullcontext

from sqlalchemy import exc, make_url, text
from sqlalchemy.ext.asyncio import AsyncConnection

from auth_service.store.engine import CONNECT_ERRORS, make_engine, revision_of, sqlite_path
from auth_service.store.migrate import LOCK, newest, upgrade
from auth_service.store.tables import metadata
from shared.locks import exclusive

_LOCK_SECONDS = 10.0


class CopyRefused(Exception):
    """Raised where something cannot be copied, or not to there; the text says why and what to do."""


@asynccontextmanager
async def held_source(url: str, *, lock_seconds: float = _LOCK_SECONDS) -> AsyncIterator[AsyncConnection]:
    """Give one transaction in which all is read. Raises CopyRefused."""
    path = sqlite_path(url)
    if path is not None and not path.exists():
        raise CopyRefused(f"There is no auth database {path}.")
    async with _opened(url) as connection, connection.begin():
        # On SQLite a transaction begins with the write lock; readers go on beside it.
        if path is None:
            await connection.execute(text(f"SET LOCAL lock_timeout = {int(lock_seconds * 1000)}"))
            tables = ", ".join(f'"{table.name}"' for table in metadata.sorted_tables)
            await connection.execute(text(f"LOCK TABLE {tables} IN SHARE MODE"))
        yield connection


@asynccontextmanager
async def held_target(url: str) -> AsyncIterator[AsyncConnection]:
    """Give a connection on which to commit page by page; no other copy or migration is there. Raises CopyRefused.

    An empty database gets its tables here, and not by hand: that would make a set-up link too.
    """
    path = sqlite_path(url)
    with _explained():
        if await _revision(url) is None:
            await asyncio.to_thread(upgrade, url)
    with exclusive(path) if path is not None else nullcontext():
        async with _opened(url) as connection:
            if path is None:
                taken = await connection.scalar(text("SELECT pg_try_advisory_lock(:key)"), {"key": LOCK})
                if not taken:
                    raise CopyRefused("Another copy or a migration works on the target now. Wait for its end.")
            yield connection


def refuse_same(source: str, target: str) -> None:
    """Raise CopyRefused for one database under two names, as far as addresses show it."""
    if name_of(source) == name_of(target):
        raise CopyRefused("The source and the target are the same database.")


def name_of(url: str) -> str:
    """The database's name without user and password: the same one whatever the address is spelled like."""
    path = sqlite_path(url)
    if path is not None:
        return str(path.resolve())
    parsed = make_url(url)
    return f"{parsed.host}:{parsed.port or 5432}/{parsed.database}"


@asynccontextmanager
async def _opened(url: str) -> AsyncIterator[AsyncConnection]:
    with _explained():
        found = await _revision(url)
        if found != newest():
            raise CopyRefused(
                f"{name_of(url)} is at migration {found or 'none'}, this release works on {newest()}."
                " Bring it up to date: AUTH_DATABASE_URL=... python -m auth_service migrate"
            )
        engine = make_engine(url, command_seconds=None)
        try:
            async with engine.connect() as connection:
                yield connection
        finally:
            await engine.dispose()


async def _revision(url: str) -> str | None:
    engine = make_engine(url)
    try:
        async with engine.connect() as connection:
            return await revision_of(connection)
    finally:
        await engine.dispose()


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except (exc.DBAPIError, OSError, *CONNECT_ERRORS) as error:
        reason = getattr(error, "orig", None) or error
        raise CopyRefused(f"The copy stopped: {reason}. Run it again, it goes on.") from error
