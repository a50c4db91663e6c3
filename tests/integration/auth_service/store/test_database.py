import asyncio
import sqlite3
import threading
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from auth_service.core.sessions import SessionId
from auth_service.core.users import UserId
from auth_service.store import engine
from auth_service.store.database import Database
from auth_service.store.migrate import newest
from shared.errors import Unavailable
from tests.integration.auth_service.rows import CALLER, a_hash, a_user
from tests.postgres import PostgresServer


async def test_sqlite_keeps_what_it_acknowledged(migrated_file: Path) -> None:
    database = Database(f"sqlite:///{migrated_file}", on_change=lambda: None)
    async with database._engine.connect() as connection:
        answers = [
            await connection.scalar(text(f"PRAGMA {name}")) for name in ("journal_mode", "synchronous", "foreign_keys")
        ]
    await database.close()
    assert answers == ["wal", 2, 1]


async def test_closing_leaves_no_thread_of_sqlite(migrated_file: Path) -> None:
    before = set(threading.enumerate())
    database = Database(f"sqlite:///{migrated_file}", on_change=lambda: None)
    await asyncio.gather(*(database.changes_after(0) for _ in range(5)))
    threads = set(threading.enumerate()) - before
    assert threads
    await database.close()
    for thread in threads:
        thread.join(timeout=5)
    assert not [thread for thread in threads if thread.is_alive()]


async def test_gateways_are_rung_after_the_commit_and_only_for_news(database: Database, rings: list[str]) -> None:
    user = a_user()
    async with database.transaction() as tx:
        await tx.users.add(user)
    assert rings == []
    async with database.transaction() as tx:
        tx.note_user(user.id)
        assert rings == []
    assert rings == ["ring"]


async def test_database_without_tables_is_told_from_a_migrated_one(database_url: str, database: Database) -> None:
    empty = Database(database_url, on_change=lambda: None)
    assert await empty.revision() is None
    assert await database.revision() == newest()
    assert not await database.is_unfinished_copy()
    assert await database.check() is None
    await empty.close()


async def test_broken_rule_of_the_schema_is_not_called_an_outage(database: Database) -> None:
    async def open_for_nobody() -> None:
        async with database.transaction() as tx:
            await tx.sessions.open(SessionId("s"), UserId("nobody"), a_hash("1"), CALLER)

    with pytest.raises(IntegrityError):
        await open_for_nobody()


async def test_postgresql_that_is_away_is_an_outage_and_comes_back() -> None:
    with PostgresServer() as server:
        database = Database(server.url(), on_change=lambda: None)
        assert await database.revision() is None
        server.stop()
        for ask in (database.revision(), database.changes_after(0)):
            with pytest.raises(Unavailable, match="store_unavailable"):
                await ask
        server.start()
        assert await database.revision() is None
        await database.close()


async def test_sqlite_that_is_locked_too_long_is_an_outage(
    migrated_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "_BUSY_MILLISECONDS", 50)
    database = Database(f"sqlite:///{migrated_file}", on_change=lambda: None)
    other = sqlite3.connect(migrated_file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    async def write() -> None:
        async with database.transaction() as tx:
            await tx.users.add(a_user())

    with pytest.raises(Unavailable, match="store_unavailable"):
        await write()
    assert (await database.changes_after(0)).changes == []
    other.close()
    await database.close()


async def test_look_leaves_the_connection_as_it_was(database: Database) -> None:
    """The next transaction on it is one: what it did goes with its failure."""

    async def fail() -> None:
        async with database.transaction() as tx:
            await tx.users.add(a_user())
            raise RuntimeError

    for _ in range(3):
        async with database.looking() as tx:
            assert not await tx.users.any()
        with pytest.raises(RuntimeError):
            await fail()
    async with database.looking() as tx:
        assert not await tx.users.any()
