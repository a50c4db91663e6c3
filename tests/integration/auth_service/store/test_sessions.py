"""Sessions and their tokens on both databases, and what a transaction promises: all or nothing."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from auth_service.core.sessions import ABSOLUTE, GRACE, SessionId
from auth_service.core.users import User, UserId
from auth_service.store.database import Database
from shared.errors import Conflict
from tests.integration.auth_service.rows import CALLER, FIRST, SESSION, Age, Feed, a_hash, a_user, an_exchange


class Boom(Exception):
    """Raised inside a transaction to make it fail."""


@pytest.fixture
async def ann(database: Database) -> User:
    """A user with one session and its first token."""
    user = a_user()
    async with database.transaction() as tx:
        await tx.users.add(user)
        await tx.sessions.open(SESSION, user.id, FIRST, CALLER)
    return user


async def test_user_is_found_as_added_by_address_and_by_session(database: Database, ann: User) -> None:
    async with database.reading() as tx:
        assert await tx.users.find_by_email(ann.email) == ann
        assert await tx.users.of_session(SESSION) == ann
        assert await tx.users.find_by_email("bob@example.org") is None
        assert await tx.users.of_session(SessionId("other")) is None


async def test_address_that_is_taken_is_a_conflict_and_keeps_nothing(database: Database, ann: User, feed: Feed) -> None:
    other = a_user(ann.email)

    async def add() -> None:
        async with database.transaction() as tx:
            tx.note_user(other.id)
            await tx.users.add(other)

    with pytest.raises(Conflict, match="email_taken"):
        await add()
    assert await feed() == []


async def test_failing_transaction_keeps_nothing(database: Database, ann: User, feed: Feed) -> None:
    bob = a_user("bob@example.org")

    async def fail() -> None:
        async with database.transaction() as tx:
            await tx.users.add(bob)
            tx.note_user(bob.id)
            await tx.users.update(ann.id, lambda user: replace(user, name="Changed"))
            await tx.users.set_password(ann.id, "hash", "other")
            await tx.sessions.rotate(FIRST, an_exchange("2"))
            await tx.sessions.replace(FIRST, b"s" * 16, an_exchange("3", b"t" * 16))
            await tx.sessions.open(SessionId("other"), ann.id, a_hash("9"), CALLER)
            await tx.sessions.end(SESSION)
            raise Boom

    with pytest.raises(Boom):
        await fail()
    async with database.reading() as tx:
        assert await tx.users.find_by_email(bob.email) is None
        assert await tx.users.of_session(SESSION) == ann
        presented = await tx.sessions.find(FIRST)
        assert presented is not None
        assert presented.exchanged is None
        for lost in ("2", "3", "9"):
            assert await tx.sessions.find(a_hash(lost)) is None
    assert await feed() == []


async def test_update_writes_name_picture_and_profile_only(database: Database, ann: User) -> None:
    changed = replace(ann, name="Anna", picture="https://a.example/p", profile={"a": [1, None]})
    async with database.transaction() as tx:
        forged = replace(changed, email="x@y", role="administrator")
        assert await tx.users.update(ann.id, lambda _user: forged) == forged
        assert await tx.users.update(UserId("nobody"), lambda user: user) is None
    async with database.reading() as tx:
        assert await tx.users.of_session(SESSION) == changed


async def test_password_is_replaced_if_it_is_still_the_old_one(database: Database, ann: User) -> None:
    async with database.transaction() as tx:
        assert await tx.users.set_password(ann.id, "hash", "new")
        assert not await tx.users.set_password(ann.id, "hash", "newer")
        assert not await tx.users.set_password(UserId("nobody"), "hash", "new")
    async with database.reading() as tx:
        assert await tx.users.of_session(SESSION) == replace(ann, password="new")


async def test_noted_users_reach_the_feed(database: Database, ann: User, feed: Feed) -> None:
    async with database.transaction() as tx:
        tx.note_user(ann.id)
    assert await feed() == [("user", ann.id)]


async def test_new_token_is_presented_fresh(database: Database, ann: User) -> None:
    async with database.reading() as tx:
        presented = await tx.sessions.find(FIRST)
        assert await tx.sessions.find(a_hash("x")) is None
    assert presented is not None
    assert (presented.hash, presented.session, presented.user) == (FIRST, SESSION, ann)
    assert (presented.is_ended, presented.is_killed, presented.exchanged) == (False, False, None)
    assert presented.started_at == presented.last_used_at
    assert timedelta(0) <= presented.now - presented.started_at < timedelta(seconds=60)


@pytest.mark.usefixtures("ann")
async def test_rotation_records_the_exchange_and_uses_the_session(database: Database, age: Age) -> None:
    await age(100)
    async with database.transaction() as tx:
        assert await tx.sessions.rotate(FIRST, an_exchange("2"))
    await age(5)
    async with database.reading() as tx:
        first, second = await tx.sessions.find(FIRST), await tx.sessions.find(a_hash("2"))
    assert first is not None
    assert second is not None
    assert first.exchanged is not None
    assert (first.exchanged.salt, first.exchanged.key_id) == (b"s" * 16, "a")
    assert not first.exchanged.is_successor_used
    assert timedelta(seconds=5) <= first.now - first.exchanged.at < timedelta(seconds=60)
    assert first.last_used_at - first.started_at >= timedelta(seconds=100)
    assert (second.session, second.exchanged, second.is_killed) == (SESSION, None, False)


@pytest.mark.usefixtures("ann")
async def test_token_is_rotated_once(database: Database) -> None:
    async with database.transaction() as tx:
        assert await tx.sessions.rotate(FIRST, an_exchange("2"))
        assert not await tx.sessions.rotate(FIRST, an_exchange("3"))
        assert await tx.sessions.find(a_hash("3")) is None


@pytest.mark.usefixtures("ann")
async def test_of_many_who_rotate_at_once_one_wins(database: Database) -> None:
    async def rotate(letter: str) -> bool:
        async with database.transaction() as tx:
            return await tx.sessions.rotate(FIRST, an_exchange(letter))

    results = await asyncio.gather(*(rotate(letter) for letter in "abcdefgh"))
    assert sorted(results) == [False] * 7 + [True]


@pytest.mark.usefixtures("ann")
async def test_used_successor_is_seen(database: Database) -> None:
    async with database.transaction() as tx:
        await tx.sessions.rotate(FIRST, an_exchange("2"))
        await tx.sessions.rotate(a_hash("2"), an_exchange("3"))
        presented = await tx.sessions.find(FIRST)
    assert presented is not None
    assert presented.exchanged is not None
    assert presented.exchanged.is_successor_used


@pytest.mark.usefixtures("ann")
async def test_replacing_kills_the_unused_successor(database: Database) -> None:
    async with database.transaction() as tx:
        await tx.sessions.rotate(FIRST, an_exchange("2"))
        assert await tx.sessions.replace(FIRST, b"s" * 16, an_exchange("3", b"t" * 16))
        first, killed = await tx.sessions.find(FIRST), await tx.sessions.find(a_hash("2"))
        assert not await tx.sessions.rotate(a_hash("2"), an_exchange("4"))
        assert await tx.sessions.rotate(a_hash("3"), an_exchange("5"))
    assert first is not None
    assert first.exchanged is not None
    assert first.exchanged.salt == b"t" * 16
    assert killed is not None
    assert killed.is_killed


@pytest.mark.usefixtures("ann")
async def test_used_successor_is_not_replaced(database: Database) -> None:
    async with database.transaction() as tx:
        assert not await tx.sessions.replace(FIRST, b"s" * 16, an_exchange("9"))
        await tx.sessions.rotate(FIRST, an_exchange("2"))
        await tx.sessions.rotate(a_hash("2"), an_exchange("3"))
        assert not await tx.sessions.replace(FIRST, b"s" * 16, an_exchange("4", b"t" * 16))
        assert await tx.sessions.find(a_hash("4")) is None


@pytest.mark.usefixtures("ann")
async def test_of_many_who_replace_at_once_one_wins(database: Database) -> None:
    async def replace_by(letter: str) -> bool:
        async with database.transaction() as tx:
            return await tx.sessions.replace(FIRST, b"s" * 16, an_exchange(letter, letter.encode() * 16))

    async with database.transaction() as tx:
        await tx.sessions.rotate(FIRST, an_exchange("2"))
    results = await asyncio.gather(*(replace_by(letter) for letter in "abcdefgh"))
    assert sorted(results) == [False] * 7 + [True]


@pytest.mark.usefixtures("ann")
async def test_session_ends_once_and_the_feed_says_so(database: Database, feed: Feed) -> None:
    async with database.transaction() as tx:
        assert await tx.sessions.end(SESSION)
    async with database.transaction() as tx:
        assert not await tx.sessions.end(SESSION)
        assert not await tx.sessions.end(SessionId("other"))
    async with database.reading() as tx:
        presented = await tx.sessions.find(FIRST)
        assert presented is not None
        assert presented.is_ended
        assert await tx.users.of_session(SESSION) is None
    assert await feed() == [("session", SESSION)]


@pytest.mark.usefixtures("ann")
async def test_token_of_a_session_that_ended_is_exchanged_no_more(database: Database) -> None:
    async with database.transaction() as tx:
        await tx.sessions.rotate(FIRST, an_exchange("2"))
        await tx.sessions.end(SESSION)
        assert not await tx.sessions.rotate(a_hash("2"), an_exchange("3"))
        assert not await tx.sessions.replace(FIRST, b"s" * 16, an_exchange("4", b"t" * 16))
        for lost in "34":
            assert await tx.sessions.find(a_hash(lost)) is None


async def test_session_is_ended_for_its_own_user_only(database: Database, ann: User, feed: Feed) -> None:
    async with database.transaction() as tx:
        assert not await tx.sessions.end(SESSION, of=UserId("bob"))
        assert await tx.users.of_session(SESSION) == ann
        assert await tx.sessions.end(SESSION, of=ann.id)
    assert await feed() == [("session", SESSION)]


async def test_all_sessions_of_a_user_are_ended_but_one(database: Database, ann: User, feed: Feed) -> None:
    bob = a_user("bob@example.org")
    async with database.transaction() as tx:
        await tx.users.add(bob)
        await tx.sessions.open(SessionId("bobs"), bob.id, a_hash("b"), CALLER)
        for letter in "xyz":
            await tx.sessions.open(SessionId(letter), ann.id, a_hash(letter), CALLER)
        await tx.sessions.end(SessionId("x"))
        assert await tx.sessions.end_all(ann.id, but=SessionId("y")) == [SESSION, "z"]
        assert [each.id for each in await tx.sessions.of_user(ann.id)] == ["y"]
        assert await tx.sessions.end_all(ann.id) == ["y"]
        assert await tx.users.of_session(SessionId("bobs")) == bob
    assert [subject for _, subject in await feed()] == ["x", SESSION, "z", "y"]


async def test_sessions_beyond_the_number_are_ended_the_least_recently_used_first(
    database: Database, ann: User, age: Age, feed: Feed
) -> None:
    for letter in "xyz":
        await age(10)
        async with database.transaction() as tx:
            await tx.sessions.open(SessionId(letter), ann.id, a_hash(letter), CALLER)
    await age(10)
    async with database.transaction() as tx:
        await tx.sessions.rotate(FIRST, an_exchange("2"))
        await tx.sessions.end(SessionId("z"))
        assert await tx.sessions.end_beyond(ann.id, 3) == []
        assert await tx.sessions.end_beyond(ann.id, 1) == ["x", "y"]
        assert [each.id for each in await tx.sessions.of_user(ann.id)] == [SESSION]
    assert [subject for _, subject in await feed()] == ["z", "x", "y"]


async def test_line_is_what_was_exchanged_within_the_grace(database: Database, ann: User, age: Age) -> None:
    async with database.transaction() as tx:
        await tx.sessions.rotate(FIRST, an_exchange("2"))
        await tx.sessions.open(SessionId("other"), ann.id, a_hash("x"), CALLER)
        await tx.sessions.rotate(a_hash("x"), an_exchange("y"))
    await age(GRACE.total_seconds() - 5)
    async with database.transaction() as tx:
        await tx.sessions.rotate(a_hash("2"), an_exchange("3"))
        assert await tx.sessions.line(SESSION) == {FIRST: an_exchange("2"), a_hash("2"): an_exchange("3")}
    await age(6)
    async with database.reading() as tx:
        assert await tx.sessions.line(SESSION) == {a_hash("2"): an_exchange("3")}


async def test_sessions_are_listed_by_their_last_use(database: Database, ann: User, age: Age) -> None:
    await age(10)
    async with database.transaction() as tx:
        await tx.sessions.open(SessionId("later"), ann.id, a_hash("l"), CALLER)
        assert [each.id for each in await tx.sessions.of_user(ann.id)] == ["later", SESSION]
        assert await tx.sessions.of_user(UserId("nobody")) == []


@pytest.mark.usefixtures("ann")
async def test_no_more_rows_are_pruned_than_asked_for(database: Database, age: Age) -> None:
    async with database.transaction() as tx:
        await tx.sessions.rotate(FIRST, an_exchange("2"))
        await tx.sessions.rotate(a_hash("2"), an_exchange("3"))
    await age(ABSOLUTE.total_seconds() + 3600)
    async with database.transaction() as tx:
        assert [await tx.sessions.prune_tokens(2) for _ in range(3)] == [2, 1, 0]
        assert [await tx.sessions.prune(2) for _ in range(2)] == [1, 0]
