import asyncio

import pytest
from sqlalchemy import text

from auth_service.core.sessions import SessionId
from auth_service.core.users import User
from auth_service.store import changes
from auth_service.store.changes import Note
from auth_service.store.database import Database
from tests.integration.auth_service.aging import age_everything
from tests.unit.auth_service.store_contract import a_hash, a_user


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
        await tx.sessions.open(SessionId(session), user.id, a_hash(session))
        await tx.sessions.end(SessionId(session))


async def test_subject_has_one_row_with_its_latest_number(database: Database, ann: User) -> None:
    bob = a_user("bob@example.org")
    async with database.transaction() as tx:
        await tx.users.add(bob)
        tx.note_user(bob.id)
    await note(database, Note("user", ann.id))
    page = await database.changes_after(0)
    assert [(entry["n"], entry["id"]) for entry in page.changes] == [(2, bob.id), (3, ann.id)]


async def test_deleted_user_stays_in_the_feed_without_name(database: Database, ann: User) -> None:
    async with database.transaction() as tx:
        await tx.users.remove(ann.id)
        tx.note_user(ann.id)
    (entry,) = (await database.changes_after(0)).changes
    assert (entry["id"], entry["name"], entry["deleted"], entry["disabled"]) == (ann.id, "", True, False)


async def test_feed_is_read_in_pages(database: Database) -> None:
    await note(database, *(Note("user", f"u{n:04}") for n in range(1500)))
    first = await database.changes_after(0)
    assert (len(first.changes), first.next, first.more) == (1000, 1000, True)
    second = await database.changes_after(first.next)
    assert (len(second.changes), second.next, second.more) == (500, 1500, False)


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
        await tx.sessions.open(SessionId("s"), ann.id, a_hash("1"))
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
    assert [(entry["n"], entry["id"]) for entry in page.changes] == [(1, "slow"), (2, "fast")]


async def test_numbers_of_a_rolled_back_transaction_are_given_again(database: Database) -> None:
    async with database._engine.connect() as connection:
        await changes.write(connection, [Note("user", "never")])
        await connection.rollback()
    await note(database, Note("user", "real"))
    assert (await database.changes_after(0)).next == 1


async def test_counter_has_one_row(database: Database) -> None:
    async with database._engine.connect() as connection:
        assert (await connection.execute(text("SELECT id, value FROM change_counter"))).all() == [(1, 0)]
