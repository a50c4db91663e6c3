import asyncio
import os
import sqlite3
from contextlib import closing
from pathlib import Path

import asyncpg
import pytest

from chat_gateway.store.migrate import check, downgrade, upgrade
from tests.integration.chat_gateway.store.gateway import execute, rows


def test_the_tables_are_what_the_revisions_make(database_url: str) -> None:
    upgrade(database_url)
    check(database_url)


def test_the_schema_goes_down_and_up_again(database_url: str) -> None:
    upgrade(database_url)
    downgrade(database_url, "base")
    upgrade(database_url)
    check(database_url)


_KEPT = {
    "log": "('room:den', 2, 0)",
    "room": "('den', 'Den', 'private', 'Talk', 5, 'ann')",
    "member": "('den', 'ann', 'owner', 'joined', 1, 0), ('den', 'bob', 'member', 'left', 1, 0)",
    "entry": "('room:den', 1, 10, 'e1', 'ann', 'c1', 5, 0, 'ann', '{}'), ('room:den', 2, 1, 'e2', 'ann', 'c2', 6, 1,"
    ' NULL, \'{"body":"hi"}\')',
    "person": "('ann', 'Ann-Marie O''Neil', '', false, 3), ('bob', '', '', true, 4)",
}


async def _first_columns(url: str) -> dict[str, list[tuple[object, ...]]]:
    columns = {
        "log": "id, head, posts",
        "room": "id, name, kind, topic, created_at, created_by",
        "member": "room_id, user_id, role, status, marker, marker_posts",
        "entry": 'log_id, "offset", kind, id, author, client_id, at, posts, subject, content',
        "person": "id, name, picture, disabled, n",
    }
    return {
        table: sorted(await rows(url, f"SELECT {names} FROM {table}"), key=repr) for table, names in columns.items()
    }


async def test_what_the_first_revision_held_is_kept_up_and_down(database_url: str) -> None:
    await asyncio.to_thread(upgrade, database_url, "0001")
    for table, values in _KEPT.items():
        await execute(database_url, f"INSERT INTO {table} VALUES {values}")
    before = await _first_columns(database_url)
    for _ in range(2):
        await asyncio.to_thread(upgrade, database_url, "0002")
        assert await _first_columns(database_url) == before
        assert sorted(await rows(database_url, "SELECT id, members, read_only, archived FROM room")) == [
            ("den", 1, False, False),
            ("lobby", 0, False, False),
        ]
        words = await rows(database_url, "SELECT word, person_id FROM person_word")
        assert sorted(words) == [("ann", "ann"), ("marie", "ann"), ("neil", "ann"), ("o", "ann")]
        await asyncio.to_thread(downgrade, database_url, "0001")
        assert await _first_columns(database_url) == before


async def test_who_is_in_a_room_already_has_been_since_they_came_last(database_url: str) -> None:
    await asyncio.to_thread(upgrade, database_url, "0003")
    for offset, (room, user) in enumerate((("den", "ann"), ("den", "bob"), ("den", "bob"), ("hut", "bob")), 1):
        await execute(
            database_url,
            'INSERT INTO entry (log_id, "offset", kind, id, author, client_id, at, posts, subject, content)'
            f" VALUES ('room:{room}', {offset}, 10, 'e{offset}', '{user}', 'c{offset}', 1, 0, '{user}', '{{}}')",
        )
    members = "('den', 'ann', 'owner', 'joined'), ('den', 'bob', 'member', 'joined'), ('den', 'cid', 'member', 'left')"
    await execute(database_url, f"INSERT INTO member (room_id, user_id, role, status) VALUES {members}")
    for _ in range(2):
        await asyncio.to_thread(upgrade, database_url)
        found = await rows(database_url, "SELECT user_id, since FROM member ORDER BY user_id")
        assert found == [("ann", 1), ("bob", 3), ("cid", 0)]
        await asyncio.to_thread(downgrade, database_url, "0003")
    assert len(await rows(database_url, "SELECT * FROM member")) == 3


async def test_the_revision_before_reads_its_facts_again_after_a_way_back(postgres_url: str) -> None:
    await asyncio.to_thread(downgrade, postgres_url, "0003")
    question = '{"room":"lobby","author":"ann","client_id":"c","logs":[],"users":["ann"],"departure":true}'
    ((found,),) = await rows(postgres_url, f"SELECT facts_v1('{question}'::jsonb) ->> 'others'")
    assert found == '{"owners": false, "members": false}'


async def test_what_the_first_revision_cannot_say_goes_down_as_the_nearest_it_can(database_url: str) -> None:
    await asyncio.to_thread(upgrade, database_url, "0002")
    await execute(
        database_url, "INSERT INTO room (id, name, kind, created_at, created_by) VALUES ('d', '', 'direct', 1, 'a')"
    )
    await execute(
        database_url, "INSERT INTO member (room_id, user_id, role, status) VALUES ('d', 'a', 'member', 'banned')"
    )
    await asyncio.to_thread(downgrade, database_url, "0001")
    assert await rows(database_url, "SELECT kind FROM room WHERE id = 'd'") == [("private",)]
    assert await rows(database_url, "SELECT status FROM member") == [("removed",)]
    for sql in (
        "UPDATE room SET kind = 'direct'",
        "UPDATE member SET status = 'banned'",
        "UPDATE member SET role = 'king'",
    ):
        with pytest.raises((sqlite3.IntegrityError, asyncpg.CheckViolationError)):
            await execute(database_url, sql)


@pytest.mark.parametrize(
    "sql", ["UPDATE room SET kind = 'secret'", "UPDATE member SET status = 'x'", "UPDATE member SET role = 'king'"]
)
async def test_words_that_mean_nothing_are_refused_by_the_database(url: str, sql: str) -> None:
    await execute(url, "INSERT INTO member (room_id, user_id, role, status) VALUES ('lobby', 'a', 'member', 'banned')")
    with pytest.raises((sqlite3.IntegrityError, asyncpg.CheckViolationError)):
        await execute(url, sql)


def test_a_database_may_be_in_a_folder_that_is_not_there_yet(tmp_path: Path) -> None:
    upgrade(f"sqlite:///{tmp_path}/var/new/chat.db")
    assert (tmp_path / "var/new/chat.db").exists()


def test_nobody_else_of_the_machine_reads_a_new_file(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        upgrade(f"sqlite:///{tmp_path}/chat.db")
        with closing(sqlite3.connect(tmp_path / "chat.db")) as connection:
            connection.execute("CREATE TABLE more (n)")
            files = {file.name: file.stat().st_mode & 0o777 for file in tmp_path.glob("chat.db*")}
    finally:
        os.umask(before)
    files.pop("chat.db.lock")  # empty
    assert files == dict.fromkeys(("chat.db", "chat.db-wal", "chat.db-shm"), 0o600)


async def test_a_new_database_has_the_lobby_and_a_short_name_for_its_logs(url: str) -> None:
    assert await rows(url, "SELECT id, name, kind FROM room") == [("lobby", "Lobby", "public")]
    assert await rows(url, "SELECT id, head, posts FROM log") == [("room:lobby", 0, 0)]
    ((epoch,),) = await rows(url, "SELECT epoch FROM epoch")
    assert 0 < len(epoch) <= 8


async def test_every_database_gets_an_epoch_of_its_own(tmp_path: Path, sqlite_url: str) -> None:
    other = f"sqlite:///{tmp_path}/other.db"
    await asyncio.to_thread(upgrade, other)
    assert await rows(other, "SELECT epoch FROM epoch") != await rows(sqlite_url, "SELECT epoch FROM epoch")


def test_migrating_without_naming_a_database_says_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CHAT_DATABASE_URL", raising=False)
    with pytest.raises(SystemExit, match="CHAT_DATABASE_URL"):
        upgrade("")
