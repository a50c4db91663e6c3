import asyncio

import pytest
from sqlalchemy import text

from auth_service.core.sessions import SessionId
from auth_service.core.users import User
from auth_service.store import changes
from auth_service.store.changes import Note
from auth_service.store.database import Database
from tests.integration.auth_service.aging import age_everything
from tests.integration.auth_service.rows import CALLER, a_hash, a_user


@pytest.fixture
async def ann(database: Database) -> User:
    user = a_user()
    async with database.transaction() as tx:
        await tx.users.add(user)
        tx.note_user(user.id)
    return user


async def note(database: Database, *notes: Note) -> None:
    async with database.transaction() as tx:
        tx.notes.extend(notes)


async def end_a_session(database: Database, user: User, session: str) -> None:
    async with database.transaction() as tx:
        await tx.sessions.open(SessionId(session), user.id, a_hash(session), CALLER)
        await tx.sessions.end(SessionId(session))


async def test_subject_has_one_row_with_its_latest_number(database: Database, ann: User) -> None:
    bob = a_user("bob@example.org")
    async with database.transaction() as tx:
        await tx.users.add(bob)
        tx.note_user(bob.id)
    await note(database, Note("user", ann.id))
    page = await database.changes_after(0)
    assert [entry["id"] for entry in page.changes] == [bob.id, ann.id]
    assert page.changes[0]["n"] < page.changes[1]["n"] == page.next


async def test_subject_noted_twice_in_one_transaction_has_one_row(database: Database) -> None:
    await note(database, Note("user", "a"), Note("user", "b"), Note("user", "a"))
    assert [entry["id"] for entry in (await database.changes_after(0)).changes] == ["b", "a"]


async def test_change_after_a_restore_is_above_the_cursors_of_before(database: Database) -> None:
    await note(database, Note("user", "early"))
    backup = (await database.changes_after(0)).next
    await note(database, *(Note("user", f"lost {n}") for n in range(100)))
    cursor = (await database.changes_after(0)).next
    async with database._engine.begin() as connection:
        await connection.execute(text(f"DELETE FROM change WHERE n > {backup}"))
        await connection.execute(text(f"UPDATE change_counter SET value = {backup}"))
    # Restoring takes longer than the numbers ran ahead of the clock.
    await until_the_clock_shows(database, cursor)
    await note(database, Note("user", "late"))
    assert [entry["id"] for entry in (await database.changes_after(cursor)).changes] == ["late"]


async def until_the_clock_shows(database: Database, milliseconds: int) -> None:
    async with asyncio.timeout(10), database.reading() as tx:
        while (await tx.now()).timestamp() * 1000 < milliseconds:
            pass


async def test_numbers_go_on_where_the_clock_is_behind_them(database: Database) -> None:
    async with database._engine.begin() as connection:
        await connection.execute(text(f"UPDATE change_counter SET value = {2**50}"))
    for _ in range(2):
        await note(database, Note("user", "a"), Note("user", "b"))
    assert [entry["n"] - 2**50 for entry in (await database.changes_after(0)).changes] == [3, 4]


async def test_deleted_user_stays_in_the_feed_without_name(database: Database, ann: User) -> None:
    async with database.transaction() as tx:
        await tx.users.remove(ann.id)
        tx.note_user(ann.id)
    (entry,) = (await database.changes_after(0)).changes
    assert (entry["id"], entry["name"], entry["deleted"], entry["disabled"]) == (ann.id, "", True, False)


async def test_feed_is_read_in_pages(database: Database) -> None:
    await note(database, *(Note("user", f"u{n:04}") for n in range(1500)))
    first = await database.changes_after(0)
    assert (len(first.changes), first.next, first.more) == (1000, first.changes[-1]["n"], True)
    second = await database.changes_after(first.next)
    assert (len(second.changes), second.next, second.more) == (500, first.next + 500, False)


async def test_revocations_are_pruned_when_every_token_they_concern_is_dead(database: Database, ann: User) -> None:
    await end_a_session(database, ann, "1")
    await age_everything(database, 24 * 60)
    await end_a_session(database, ann, "2")
    sessions = [entry["id"] for entry in (await database.changes_after(0)).changes if entry["kind"] == "session"]
    assert sessions == ["1", "2"]
    await age_everything(database, 2 * 60)
    await end_a_session(database, ann, "3")
    page = await database.changes_after(0)
    assert [entry["id"] for entry in page.changes] == [ann.id, "2", "3"]


async def test_log_in_and_rotation_leave_the_feed_alone(database: Database, ann: User, rings: list[str]) -> None:
    rings.clear()
    before = (await database.changes_after(0)).next
    async with database.transaction() as tx:
        await tx.sessions.open(SessionId("s"), ann.id, a_hash("1"), CALLER)
    assert (await database.changes_after(0)).next == before
    assert rings == []


async def test_cursor_never_skips_a_late_committer(database: Database) -> None:
    engine = database._engine
    async with engine.begin() as slow:
        await changes.write(slow, [Note("user", "slow")])
        fast = asyncio.create_task(note(database, Note("user", "fast")))
        # While the slow one holds the counter nobody can have a higher number, so nothing is visible yet.
        done, _ = await asyncio.wait([fast], timeout=0.3)
        assert not done
        assert (await database.changes_after(0)).changes == []
    await fast
    page = await database.changes_after(0)
    assert [entry["id"] for entry in page.changes] == ["slow", "fast"]


async def test_reader_misses_none_of_many_who_write_at_once(database: Database) -> None:
    async def write(writer: int) -> None:
        for n in range(10):
            await note(database, Note("user", f"{writer}-{n}"))

    writing = asyncio.gather(*(write(writer) for writer in range(8)))
    seen: list[str] = []
    cursor, is_last = 0, False
    while not is_last:
        is_last = writing.done()
        page = await database.changes_after(cursor)
        seen += [entry["id"] for entry in page.changes]
        cursor = page.next
    await writing
    assert sorted(seen) == sorted(f"{writer}-{n}" for writer in range(8) for n in range(10))


async def test_numbers_of_a_rolled_back_transaction_are_given_again(database: Database) -> None:
    async with database._engine.begin() as connection:
        await connection.execute(text(f"UPDATE change_counter SET value = {2**50}"))
    async with database._engine.connect() as connection:
        await changes.write(connection, [Note("user", "never")])
        await connection.rollback()
    await note(database, Note("user", "real"))
    assert (await database.changes_after(0)).next == 2**50 + 1


async def test_counter_has_one_row(database: Database) -> None:
    async with database._engine.connect() as connection:
        assert (await connection.execute(text("SELECT id, value FROM change_counter"))).all() == [(1, 0)]
