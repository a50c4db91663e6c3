"""The database as the actions see it: transactions over SQLite or PostgreSQL, with every subject's noun at hand.

A write transaction ends with the changes feed, then the commit, then the doorbell: nothing is published that may roll
back. The database's own troubles leave here as `store_unavailable`.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime

import structlog
from sqlalchemy import inspect, select, text
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, NotSupportedError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection

from auth_service.core import errors
from auth_service.core.audit import Record
from auth_service.core.changes import ChangesPage
from auth_service.core.users import UserId
from auth_service.store import changes
from auth_service.store.audit import StoredAudit, tell
from auth_service.store.changes import Note
from auth_service.store.clock import database_now
from auth_service.store.devices import StoredDevices
from auth_service.store.engine import CONNECT_ERRORS, look_only, make_engine, revision_of
from auth_service.store.keys import StoredKeys
from auth_service.store.links import StoredLinks
from auth_service.store.sessions import StoredSessions
from auth_service.store.users import StoredUsers

UNFINISHED_COPY = "unfinished_copy"
"""A table of this name is in the target of a copy until it has come to its end (store/copying.py)."""

_MISTAKES = (IntegrityError, ProgrammingError, DataError, NotSupportedError)
_TROUBLES = (DBAPIError, PoolTimeoutError, *CONNECT_ERRORS, OSError, TimeoutError)


@dataclass(frozen=True, slots=True)
class OpenTransaction:
    """One transaction: the nouns, what the feed will hear at its end, and what the log is told after it."""

    connection: AsyncConnection
    users: StoredUsers
    sessions: StoredSessions
    devices: StoredDevices
    links: StoredLinks
    audit: StoredAudit
    keys: StoredKeys
    notes: list[Note] = field(default_factory=list)
    recorded: list[Record] = field(default_factory=list)

    def note_user(self, user: UserId) -> None:
        self.notes.append(Note("user", user))

    async def now(self) -> datetime:
        now: datetime = (await self.connection.execute(select(database_now().label("now")))).scalar_one()
        return now


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

    async def revision(self) -> str | None:
        """The migration the tables are at, None without any. Raises Unavailable."""
        async with _translated(), self._engine.connect() as connection:
            return await revision_of(connection)

    async def is_unfinished_copy(self) -> bool:
        """Whether a copy into this database was begun and has not come to its end. Raises Unavailable."""
        async with _translated(), self._engine.connect() as connection:
            return await connection.run_sync(lambda sync: inspect(sync).has_table(UNFINISHED_COPY))

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[OpenTransaction]:
        async with _translated(), self._engine.begin() as connection:
            tx = _open(connection)
            yield tx
            await changes.write(connection, tx.notes)
        tell(tx.recorded)
        if tx.notes:
            self._on_change()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[OpenTransaction]:
        async with _translated(), self._engine.connect() as connection:
            yield _open(await connection.execution_options(is_reader=True))

    @asynccontextmanager
    async def looking(self) -> AsyncIterator[OpenTransaction]:
        async with _translated(), self._engine.connect() as connection:
            yield _open(await look_only(connection))

    async def changes_after(self, cursor: int) -> ChangesPage:
        async with _translated(), self._engine.connect() as connection:
            return await changes.page(await connection.execution_options(is_reader=True), cursor)


def _open(connection: AsyncConnection) -> OpenTransaction:
    notes: list[Note] = []
    recorded: list[Record] = []
    return OpenTransaction(
        connection=connection,
        users=StoredUsers(connection),
        sessions=StoredSessions(connection, notes),
        devices=StoredDevices(connection),
        links=StoredLinks(connection),
        audit=StoredAudit(connection, recorded),
        keys=StoredKeys(connection, notes),
        notes=notes,
        recorded=recorded,
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
