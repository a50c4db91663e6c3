import asyncio
import sqlite3
import threading
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from auth_service.core.sessions import SessionId
from auth_service.core.users import UserId
from auth_service.store import database as database_module
from auth_service.store.database import Database, async_url
from shared.errors import Unavailable
from shared.settings import SettingsError
from tests.postgres import PostgresServer
from tests.unit.auth_service.store_contract import a_hash, a_user


@pytest.mark.parametrize(
    ("url", "driver"),
    [
        ("sqlite:///var/auth.db", "sqlite+aiosqlite:///var/auth.db"),
        ("postgresql://u:p@h/d", "postgresql+asyncpg://u:p@h/d"),
        ("postgres://u:p@h:5/d", "postgresql+asyncpg://u:p@h:5/d"),
        ("postgresql://h/d?sslmode=require", "postgresql+asyncpg://h/d?ssl=require"),
    ],
)
def test_address_gets_its_driver(url: str, driver: str) -> None:
    assert async_url(url).render_as_string(hide_password=False) == driver


def test_other_databases_are_refused_with_a_sentence() -> None:
    with pytest.raises(SettingsError, match="it takes sqlite: or postgresql:"):
        async_url("mysql://h/d")


def test_old_sqlite_is_refused_with_a_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 34, 1))
    with pytest.raises(SettingsError, match="too old"):
        Database(f"sqlite:///{tmp_path}/a.db", on_change=lambda: None)


def test_folder_that_cannot_be_made_is_refused_with_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SettingsError, match="the folder cannot be made"):
        Database(f"sqlite:///{tmp_path}/file/sub/a.db", on_change=lambda: None)


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
    assert not await empty.is_migrated()
    assert await database.is_migrated()
    assert await database.check() is None
    await empty.close()


async def test_broken_rule_of_the_schema_is_not_called_an_outage(database: Database) -> None:
    async def open_for_nobody() -> None:
        async with database.transaction() as tx:
            await tx.sessions.open(SessionId("s"), UserId("nobody"), a_hash("1"))

    with pytest.raises(IntegrityError):
        await open_for_nobody()


async def test_postgresql_that_is_away_is_an_outage_and_comes_back() -> None:
    with PostgresServer() as server:
        database = Database(server.url(), on_change=lambda: None)
        assert not await database.is_migrated()
        server.stop()
        for ask in (database.is_migrated(), database.changes_after(0)):
            with pytest.raises(Unavailable, match="store_unavailable"):
                await ask
        server.start()
        assert not await database.is_migrated()
        await database.close()


async def test_sqlite_that_is_locked_too_long_is_an_outage(
    migrated_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_module, "_BUSY_MILLISECONDS", 50)
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
