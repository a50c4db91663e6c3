"""A copy reads from a source that stands still, writes into a target that is its own, and refuses the rest."""

import sqlite3
from pathlib import Path

import pytest
from sqlalchemy.exc import DBAPIError

from auth_service.store import engine
from auth_service.store.copy_ends import CopyRefused, held_source, held_target, name_of, refuse_same
from auth_service.store.database import Database
from auth_service.store.migrate import newest
from tests.integration.auth_service.rows import a_user
from tests.integration.auth_service.sql import execute, rows
from tests.postgres import PostgresServer


async def test_while_the_source_is_held_it_is_read_and_not_written(
    migrated_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "_BUSY_MILLISECONDS", 50)
    patience = ["SET LOCAL lock_timeout = 100"] if migrated_url.startswith("postgres") else []
    write = "UPDATE change_counter SET value = value + 1"
    async with held_source(migrated_url):
        assert await rows_beside(migrated_url) == []
        with pytest.raises(DBAPIError, match="lock"):
            await execute(migrated_url, *patience, write)
    await execute(migrated_url, *patience, write)


async def rows_beside(url: str) -> list[dict[str, object]]:
    """What a service reads meanwhile."""
    database = Database(url, on_change=lambda: None)
    try:
        return (await database.changes_after(0)).changes
    finally:
        await database.close()


async def test_a_postgresql_source_that_does_not_come_to_rest_is_a_sentence(postgres_source: str) -> None:
    database = Database(postgres_source, on_change=lambda: None)
    async with database.transaction() as tx:
        await tx.users.add(a_user())
        with pytest.raises(CopyRefused, match="lock timeout"):
            async with held_source(postgres_source, lock_seconds=0.1):
                pass
    await database.close()


async def test_a_second_copy_into_one_postgresql_is_refused(postgres_target: str) -> None:
    async with held_target(postgres_target):
        with pytest.raises(CopyRefused, match="Another copy"):
            async with held_target(postgres_target):
                pass


async def test_an_empty_target_gets_its_tables(database_url: str) -> None:
    async with held_target(database_url):
        pass
    assert await rows(database_url, "SELECT version_num FROM alembic_version") == [(newest(),)]


@pytest.mark.parametrize("held", [held_source, held_target])
async def test_another_migration_is_refused_with_both_names(migrated_url: str, held: type) -> None:
    await execute(migrated_url, "UPDATE alembic_version SET version_num = '0001'")
    with pytest.raises(CopyRefused, match=f"at migration 0001, this release works on {newest()}"):
        async with held(migrated_url):
            pass
    await execute(migrated_url, f"UPDATE alembic_version SET version_num = '{newest()}'")


async def test_an_empty_source_is_refused(postgres_target: str, tmp_path: Path) -> None:
    with pytest.raises(CopyRefused, match="at migration none"):
        async with held_source(postgres_target):
            pass
    with pytest.raises(CopyRefused, match="There is no auth database"):
        async with held_source(f"sqlite:///{tmp_path}/nothing.db"):
            pass
    assert not (tmp_path / "nothing.db").exists()


@pytest.mark.parametrize("held", [held_source, held_target])
async def test_a_server_that_is_away_and_a_file_that_is_none_are_sentences(held: type, tmp_path: Path) -> None:
    (tmp_path / "text.db").write_text("no database" * 100)
    for url in ("postgresql://nobody@127.0.0.1:1/auth", f"sqlite:///{tmp_path}/text.db"):
        with pytest.raises(CopyRefused, match="The copy stopped"):
            async with held(url):
                pass


async def test_a_database_that_the_server_does_not_have_is_a_sentence(postgres_server: PostgresServer) -> None:
    with pytest.raises(CopyRefused, match="The copy stopped"):
        async with held_target(postgres_server.url("nothing_of_that_name")):
            pass


def test_one_database_under_two_names_is_refused(tmp_path: Path) -> None:
    sqlite3.connect(tmp_path / "auth.db").close()
    link = tmp_path / "link.db"
    link.symlink_to(tmp_path / "auth.db")
    with pytest.raises(CopyRefused, match="the same database"):
        refuse_same(f"sqlite:///{tmp_path}/auth.db", f"sqlite:///{link}")
    with pytest.raises(CopyRefused, match="the same database"):
        refuse_same("postgresql://a:secret@b/auth", "postgres://c@b:5432/auth")
    refuse_same(f"sqlite:///{link}", "postgresql://a@b/auth")


def test_name_of_a_database_holds_no_password() -> None:
    assert name_of("postgresql://a:secret@b:6000/auth") == "b:6000/auth"
