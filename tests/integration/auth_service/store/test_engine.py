import os
import sqlite3
from contextlib import closing
from io import StringIO
from pathlib import Path

import pytest
import structlog
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from auth_service.store.engine import async_url, make_engine, revision_of, sqlite_path
from auth_service.store.migrate import newest, upgrade
from shared.settings import SettingsError


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
        make_engine(f"sqlite:///{tmp_path}/a.db")


def test_folder_that_cannot_be_made_is_refused_with_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SettingsError, match="the folder or the file cannot be made"):
        make_engine(f"sqlite:///{tmp_path}/file/sub/a.db")


def test_file_is_told_from_a_server() -> None:
    assert sqlite_path("sqlite:///var/auth.db") == Path("var/auth.db")
    assert sqlite_path("postgres://h/d") is None


def test_file_that_cannot_be_made_is_refused_with_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "a.db").symlink_to(tmp_path / "nowhere" / "a.db")
    with pytest.raises(SettingsError, match="the folder or the file cannot be made"):
        make_engine(f"sqlite:///{tmp_path}/a.db")


def test_nobody_else_of_the_machine_reads_a_new_file(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        upgrade(f"sqlite:///{tmp_path}/new/auth.db")
        with closing(sqlite3.connect(tmp_path / "new" / "auth.db")) as connection:
            connection.execute("CREATE TABLE more (n)")
            files = {file.name: file.stat().st_mode & 0o777 for file in (tmp_path / "new").glob("auth.db*")}
    finally:
        os.umask(before)
    files.pop("auth.db.lock")  # empty
    assert files == dict.fromkeys(("auth.db", "auth.db-wal", "auth.db-shm"), 0o600)


async def test_what_a_database_refuses_is_not_in_the_log(migrated_url: str, log: StringIO) -> None:
    engine = make_engine(migrated_url)
    row = {"email": "ann@example.org", "password": "the hash", "now": 0}
    values = "(:id, :email, :password, 'Ann', '', '{}', 'member', false, :now)"
    insert = 'INSERT INTO "user" (id, email, password, name, picture, profile, role, is_disabled, created_at) VALUES '
    try:
        async with engine.begin() as connection:
            for user in "ab":
                await connection.execute(text(insert + values), {"id": user, **row})
    except IntegrityError:
        structlog.get_logger().exception("failed")
    await engine.dispose()
    assert "IntegrityError" in log.getvalue()
    assert "ann@example.org" not in log.getvalue()
    assert "the hash" not in log.getvalue()


async def test_revision_of_a_database_is_the_migration_it_is_at(migrated_url: str, database_url: str) -> None:
    found = []
    for url in (migrated_url, database_url):
        engine = make_engine(url)
        async with engine.connect() as connection:
            found.append(await revision_of(connection))
        await engine.dispose()
    assert found == [newest(), None]
