import asyncio
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from chat_gateway.store import sqlite_writer
from chat_gateway.store.appender import NotCommitted, OutcomeUnknown, Rejected
from chat_gateway.store.sqlite_writer import SqliteWriter, check_version
from shared.locks import exclusive


@pytest.fixture
async def path(tmp_path: Path) -> Path:
    path = tmp_path / "some.db"
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE t (x INTEGER PRIMARY KEY)")
    database.close()
    return path


@pytest.fixture
async def writer(path: Path) -> AsyncIterator[SqliteWriter]:
    writer = SqliteWriter(path, patience_seconds=0.2)
    yield writer
    await writer.close()


def insert(connection: sqlite3.Connection) -> int:
    connection.execute("INSERT INTO t VALUES (1)")
    return int(connection.execute("SELECT count(*) FROM t").fetchone()[0])


def count(path: Path) -> int:
    database = sqlite3.connect(path)
    try:
        return int(database.execute("SELECT count(*) FROM t").fetchone()[0])
    finally:
        database.close()


async def test_work_is_committed_durably_and_answered(writer: SqliteWriter, path: Path) -> None:
    assert await writer.transaction(insert) == 1
    assert count(path) == 1

    def pragmas(connection: sqlite3.Connection) -> list[object]:
        names = ("journal_mode", "synchronous", "secure_delete")
        return [connection.execute(f"PRAGMA {name}").fetchone()[0] for name in names]

    assert await writer.transaction(pragmas) == ["wal", 2, 1]


async def test_work_that_fails_leaves_nothing_behind_and_the_next_runs(writer: SqliteWriter, path: Path) -> None:
    def broken(connection: sqlite3.Connection) -> None:
        insert(connection)
        raise KeyError("bug")

    with pytest.raises(KeyError):
        await writer.transaction(broken)
    assert count(path) == 0
    assert await writer.transaction(insert) == 1


async def test_a_constraint_is_a_rejection(writer: SqliteWriter) -> None:
    await writer.transaction(insert)
    with pytest.raises(Rejected):
        await writer.transaction(insert)


async def test_work_waiting_for_the_lock_is_withdrawn_and_never_runs(writer: SqliteWriter, path: Path) -> None:
    with exclusive(path), pytest.raises(NotCommitted):
        await writer.transaction(insert)
    await writer.transaction(lambda _: None)
    assert count(path) == 0


async def test_a_database_locked_past_the_file_lock_is_not_committed(
    writer: SqliteWriter, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_writer, "_BUSY_MS", 10)
    foreign = sqlite3.connect(path, isolation_level=None)
    foreign.execute("BEGIN IMMEDIATE")
    with pytest.raises(NotCommitted, match="locked"):
        await writer.transaction(insert)
    foreign.execute("ROLLBACK")
    foreign.close()
    assert await writer.transaction(insert) == 1


async def test_a_database_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    writer = SqliteWriter(tmp_path / "missing.db")
    with pytest.raises(NotCommitted):
        await writer.transaction(insert)
    with pytest.raises(NotCommitted):
        await SqliteWriter(tmp_path / "no" / "folder.db").transaction(insert)
    await writer.close()
    assert not (tmp_path / "missing.db").exists()


async def test_a_commit_that_fails_has_an_unknown_outcome(writer: SqliteWriter, path: Path) -> None:
    def deferred_violation(connection: sqlite3.Connection) -> None:
        connection.execute("PRAGMA defer_foreign_keys=ON")
        connection.execute("INSERT INTO child VALUES (5)")

    def prepare(connection: sqlite3.Connection) -> None:
        connection.execute("CREATE TABLE child (x INTEGER REFERENCES t (x) DEFERRABLE INITIALLY DEFERRED)")

    await writer.transaction(prepare)
    connection = writer._connection
    assert connection is not None
    await asyncio.get_running_loop().run_in_executor(
        writer._thread, lambda: connection.execute("PRAGMA foreign_keys=ON").fetchall()
    )
    with pytest.raises(OutcomeUnknown):
        await writer.transaction(deferred_violation)
    assert await writer.transaction(insert) == 1


def test_an_old_sqlite_is_refused_with_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 34, 1))
    with pytest.raises(RuntimeError, match="too old"):
        check_version()


def test_an_sqlite_without_full_text_search_is_refused_with_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    connection = sqlite3.connect(":memory:")
    connection.set_authorizer(
        lambda action, *_: sqlite3.SQLITE_DENY if action == sqlite3.SQLITE_CREATE_VTABLE else sqlite3.SQLITE_OK
    )
    monkeypatch.setattr(sqlite3, "connect", lambda _path: connection)
    with pytest.raises(RuntimeError, match="no FTS5"):
        check_version()
