"""What is asked of a big database reads few rows of it, also where plans were made while it was small.

PostgreSQL counts what it reads; SQLite is asked for its plans, which must not scan.
"""

import re
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing

import pytest
from sqlalchemy import event

from chat_gateway.core.changes import (
    Applied,
    Ban,
    Change,
    Depart,
    Edit,
    Inherit,
    Invite,
    Join,
    Pin,
    React,
    Revoke,
    SetRole,
    Unban,
    Update,
)
from chat_gateway.core.ids import EntryId, RoomId, UserId
from chat_gateway.store.append_postgres import PostgresAppender
from chat_gateway.store.database import Database, sqlite_path
from chat_gateway.store.departures import Departures
from chat_gateway.store.people import People
from chat_gateway.store.rooms import Rooms
from tests.integration.chat_gateway.store.gateway import (
    appender_of,
    change,
    create,
    direct,
    execute,
    join,
    leave,
    remove,
    rows,
    set_marker,
    until,
)

ANN, BIG = UserId("ann"), RoomId("big")
_MANY = 20_000
_TABLES = ("log", "room", "member", "entry", "mention", "thread_member", "message", "person", "person_word", "invite")

# One room that everybody is in, half of them gone, and which ann owns alone; and as many rooms as people.
_BIG = {
    "room (id, name, kind, created_at, created_by)": "'r' || n, 'r', 'private', 1, 'x'",
    "room (id, kind, name, created_at, created_by)": "'p' || n, 'public', 'P' || (n * 7919 % 997), 1, 'x'",
    "log (id)": "'room:r' || n",
    "log (head, id)": "0, 'room:p' || n",
    "log (id, head)": "'user:u' || n, 0",
    "person (id, name)": "'u' || n, 'Name' || n",
    "person_word (word, person_id)": "'name' || n, 'u' || n",
    "member (room_id, user_id, role, status)": "'r' || n, 'u' || n, 'owner', 'joined'",
    "member (user_id, room_id, role, status)": "'u' || n, 'big', 'member',"
    " CASE WHEN n % 2 = 0 THEN 'joined' ELSE 'left' END",
    'entry (log_id, "offset", kind, id, author, client_id, at, posts, content)': "'room:big', n, 1, 'e' || n, 'u' || n,"
    " 'c' || n, 1, n, '{}'",
    'mention (user_id, room_id, "offset", author)': "'u' || n, 'big', n, 'x'",
    "invite (token_hash, room_id, created_by, expires_at, uses_left)": "'h' || n, 'r' || n, 'x', 1, 1",
    "block (user_id, blocked_id)": "'u' || n, 'x'",
}
_ONE = (
    "INSERT INTO room (id, name, kind, created_at, created_by, members) VALUES ('big', '', 'public', 1, 'ann', 9999)",
    f"INSERT INTO log (id, head) VALUES ('room:big', {_MANY})",
    "INSERT INTO member (room_id, user_id, role, status) VALUES ('big', 'ann', 'owner', 'joined')",
)


def changes(number: int) -> list[Change]:
    """One of each kind, for people and rooms of their own."""
    user, other = f"u{2 * number}", f"u{2 * number + 1}"
    message = EntryId(f"e{2 * number}")
    return [
        create(f"p{number}"),
        change(Update, "ann", BIG, topic=f"Talk {number}"),
        join(other, BIG),
        set_marker(user, 5 + number, BIG),
        change(Edit, user, BIG, message=message, body="ho"),
        change(React, other, BIG, message=message, emoji="x"),
        change(Pin, "ann", BIG, message=message),
        change(SetRole, "ann", BIG, subject=UserId(other), role="admin"),
        change(Inherit, "ann", BIG),
        leave(other, BIG),
        change(Depart, other, BIG),
        remove("ann", user, BIG),
        change(Ban, "ann", BIG, subject=UserId(other)),
        change(Unban, "ann", BIG, subject=UserId(other)),
        change(Invite, "ann", BIG, token_hash=f"t{number}", expires_in_ms=9_000, uses=1),
        change(Join, user, BIG, invite=f"t{number}"),
        change(Revoke, "ann", BIG),
        direct(user, other),
    ]


def reads(database: Database) -> list[Callable[[], Awaitable[object]]]:
    rooms, people, departures = Rooms(database), People(database), Departures(database)
    return [
        lambda: rooms.of_member(ANN),
        lambda: rooms.find(BIG, ANN),
        lambda: rooms.public(ANN, limit=50),
        lambda: rooms.public(ANN, after=RoomId("p7"), limit=50),
        lambda: rooms.public(ANN, limit=50, within=[BIG, RoomId("p7")]),
        lambda: rooms.members(BIG, ANN, status="joined", after=UserId("u5"), limit=50),
        lambda: rooms.members(BIG, ANN, status="banned", after=UserId(""), limit=50),
        lambda: rooms.invited("h7"),
        lambda: people.search(["name7"], 20),
        lambda: people.get([UserId("u7")]),
        lambda: departures.deleted(after=UserId("u5"), limit=50),
        lambda: departures.leaving([UserId("u7")], after=(UserId(""), RoomId("")), limit=50),
        lambda: departures.conversations([UserId("u7")], limit=50),
    ]


async def fill(url: str) -> None:
    numbers = f"generate_series(1, {_MANY}) AS n"
    if sqlite_path(url):
        counting = f"WITH RECURSIVE s (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {_MANY}) SELECT n FROM s"
        numbers = f"({counting}) AS numbers"
    for sql in _ONE:
        await execute(url, sql)
    for table, values in _BIG.items():
        await execute(url, f"INSERT INTO {table} SELECT {values} FROM {numbers}")


async def _rows_read(url: str) -> int:
    """Add up what ended sessions have read."""
    sql = "SELECT 1 FROM pg_stat_activity WHERE application_name = 'parley-chat' AND datname = current_database()"
    await until(lambda: _is_empty(url, sql))
    await rows(url, "SELECT pg_stat_force_next_flush()")
    tables = "SELECT coalesce(sum(coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0)), 0) FROM pg_stat_user_tables"
    indexes = "SELECT coalesce(sum(idx_tup_read), 0) FROM pg_stat_user_indexes"
    found = [await rows(url, f"{sql} WHERE relname IN {_TABLES}") for sql in (tables, indexes)]
    return sum(int(result[0][0]) for result in found)


async def _is_empty(url: str, sql: str) -> bool:
    return not await rows(url, sql)


@pytest.fixture
def postgres_url(fresh_postgres: Callable[[], str]) -> str:
    """A database that no test has used: dead rows and pages of another's change what a plan reads."""
    return fresh_postgres()


async def test_changes_read_few_rows_of_a_database_that_grew_after_their_plans_were_made(postgres_url: str) -> None:
    before = await _rows_read(postgres_url)
    appender = PostgresAppender(postgres_url)
    await appender.connect()
    for number in range(8):
        for one in changes(_MANY + number):
            await appender.apply([one])
    await fill(postgres_url)
    made = [one for number in range(1, 9) for one in changes(number)]
    outcomes = [(await appender.apply([one]))[1][0] for one in made]
    assert sum(isinstance(outcome, Applied) for outcome in outcomes) >= 8 * 13
    await appender.close()
    assert (await _rows_read(postgres_url) - before) / len(made) < 100


async def test_reads_read_few_rows_of_a_big_database(postgres_url: str) -> None:
    await fill(postgres_url)
    await execute(postgres_url, "ANALYZE")
    before = await _rows_read(postgres_url)
    database = Database(postgres_url)
    asked = reads(database)
    for read in asked * 4:
        await read()
    await database.close()
    assert (await _rows_read(postgres_url) - before) / (4 * len(asked)) < 200


_SCANNED = re.compile(rf"SCAN ({'|'.join(_TABLES)})\b")


async def test_sqlite_scans_no_table_for_a_change_or_a_read(sqlite_url: str) -> None:
    await fill(sqlite_url)
    await execute(sqlite_url, "ANALYZE")
    database = Database(sqlite_url, read_seconds=30)  # it is about plans, not about a machine that is busy
    said: dict[str, object] = {}
    appender = appender_of(database)
    for one in changes(1):
        await _traced(database, said, appender.apply([one]))

    @event.listens_for(database._engine.sync_engine, "before_cursor_execute")
    def _noted(_c: object, _cursor: object, sql: str, values: object, _context: object, _many: object) -> None:
        said[sql] = values

    for read in reads(database):
        await read()
    await database.close()
    assert len(said) > 80
    with closing(sqlite3.connect(str(sqlite_path(sqlite_url)))) as connection:
        for sql, values in said.items():
            plan = [step[-1] for step in connection.execute(f"EXPLAIN QUERY PLAN {sql}", values)]  # type: ignore[arg-type]
            scanned = [step for step in plan if _SCANNED.match(step)]
            # The first page of public rooms begins where its index does, and stops at its limit.
            assert scanned in ([], ["SCAN room USING INDEX ix_room_public"]), sql
            assert not scanned or '"NOCASE" >=' not in sql


async def _traced(database: Database, said: dict[str, object], work: Awaitable[object]) -> None:
    """Note each statement of the writer with its values in it."""
    assert database.writer is not None
    note = said.setdefault
    await database.writer.transaction(lambda connection: connection.set_trace_callback(lambda sql: note(sql, ())))
    await work
    await database.writer.transaction(lambda connection: connection.set_trace_callback(None))
    for sql in [sql for sql in said if sql.startswith(("BEGIN", "COMMIT", "ROLLBACK", "--"))]:
        said.pop(sql)
