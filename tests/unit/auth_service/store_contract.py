"""What every store of auth promises: the database of either kind and the one in memory are held to the same words."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import TypeAlias

import pytest
import uuid_utils

from auth_service.core.ports import Store
from auth_service.core.sessions import Exchange, SessionId, TokenHash
from auth_service.core.users import User, UserId
from shared.errors import Conflict

Age: TypeAlias = Callable[[float], Awaitable[None]]
Feed: TypeAlias = Callable[[], Awaitable[list[tuple[str, str]]]]


def a_user(email: str = "ann@example.org") -> User:
    return User(UserId(str(uuid_utils.uuid7())), email, "hash", "Ann", "", {"likes": ["cats"]}, "member")


def a_hash(letter: str) -> TokenHash:
    return TokenHash(letter.encode() * 32)


def an_exchange(successor: str, salt: bytes = b"s" * 16) -> Exchange:
    return Exchange(salt, "a", a_hash(successor))


SESSION = SessionId("session")
FIRST = a_hash("1")


class Boom(Exception):
    """Raised inside a transaction to make it fail."""


class StoreContract:
    """Subclasses give the fixtures `store`, `age` (lets database time pass), `feed` (kind and subject of changes)."""

    @pytest.fixture
    async def ann(self, store: Store) -> User:
        """A user with one session and its first token."""
        user = a_user()
        async with store.transaction() as tx:
            await tx.users.add(user)
            await tx.sessions.open(SESSION, user.id, FIRST)
        return user

    async def test_user_is_found_as_added_by_address_and_by_session(self, store: Store, ann: User) -> None:
        async with store.reading() as tx:
            assert await tx.users.find_by_email(ann.email) == ann
            assert await tx.users.of_session(SESSION) == ann
            assert await tx.users.find_by_email("bob@example.org") is None
            assert await tx.users.of_session(SessionId("other")) is None

    async def test_address_that_is_taken_is_a_conflict_and_keeps_nothing(
        self, store: Store, ann: User, feed: Feed
    ) -> None:
        other = a_user(ann.email)

        async def add() -> None:
            async with store.transaction() as tx:
                tx.note_user(other.id)
                await tx.users.add(other)

        with pytest.raises(Conflict, match="email_taken"):
            await add()
        assert await feed() == []

    async def test_failing_transaction_keeps_nothing(self, store: Store, ann: User, feed: Feed) -> None:
        bob = a_user("bob@example.org")

        async def fail() -> None:
            async with store.transaction() as tx:
                await tx.users.add(bob)
                tx.note_user(bob.id)
                await tx.users.update(ann.id, lambda user: replace(user, name="Changed"))
                await tx.users.set_password(ann.id, "hash", "other")
                await tx.sessions.rotate(FIRST, an_exchange("2"))
                await tx.sessions.replace(FIRST, b"s" * 16, an_exchange("3", b"t" * 16))
                await tx.sessions.open(SessionId("other"), ann.id, a_hash("9"))
                await tx.sessions.end(SESSION)
                raise Boom

        with pytest.raises(Boom):
            await fail()
        async with store.reading() as tx:
            assert await tx.users.find_by_email(bob.email) is None
            assert await tx.users.of_session(SESSION) == ann
            presented = await tx.sessions.find(FIRST)
            assert presented is not None
            assert presented.exchanged is None
            for lost in ("2", "3", "9"):
                assert await tx.sessions.find(a_hash(lost)) is None
        assert await feed() == []

    async def test_update_writes_name_picture_and_profile_only(self, store: Store, ann: User) -> None:
        changed = replace(ann, name="Anna", picture="https://a.example/p", profile={"a": [1, None]})
        async with store.transaction() as tx:
            forged = replace(changed, email="x@y", role="administrator")
            assert await tx.users.update(ann.id, lambda _user: forged) == forged
            assert await tx.users.update(UserId("nobody"), lambda user: user) is None
        async with store.reading() as tx:
            assert await tx.users.of_session(SESSION) == changed

    async def test_password_is_replaced_if_it_is_still_the_old_one(self, store: Store, ann: User) -> None:
        async with store.transaction() as tx:
            assert await tx.users.set_password(ann.id, "hash", "new")
            assert not await tx.users.set_password(ann.id, "hash", "newer")
            assert not await tx.users.set_password(UserId("nobody"), "hash", "new")
        async with store.reading() as tx:
            assert await tx.users.of_session(SESSION) == replace(ann, password="new")

    async def test_noted_users_reach_the_feed(self, store: Store, ann: User, feed: Feed) -> None:
        async with store.transaction() as tx:
            tx.note_user(ann.id)
        assert await feed() == [("user", ann.id)]

    async def test_new_token_is_presented_fresh(self, store: Store, ann: User) -> None:
        async with store.reading() as tx:
            presented = await tx.sessions.find(FIRST)
            assert await tx.sessions.find(a_hash("x")) is None
        assert presented is not None
        assert (presented.hash, presented.session, presented.user) == (FIRST, SESSION, ann)
        assert (presented.is_ended, presented.is_killed, presented.exchanged) == (False, False, None)
        assert presented.started_at == presented.last_used_at
        assert timedelta(0) <= presented.now - presented.started_at < timedelta(seconds=60)

    @pytest.mark.usefixtures("ann")
    async def test_rotation_records_the_exchange_and_uses_the_session(self, store: Store, age: Age) -> None:
        await age(100)
        async with store.transaction() as tx:
            assert await tx.sessions.rotate(FIRST, an_exchange("2"))
        await age(5)
        async with store.reading() as tx:
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
    async def test_token_is_rotated_once(self, store: Store) -> None:
        async with store.transaction() as tx:
            assert await tx.sessions.rotate(FIRST, an_exchange("2"))
            assert not await tx.sessions.rotate(FIRST, an_exchange("3"))
            assert await tx.sessions.find(a_hash("3")) is None

    @pytest.mark.usefixtures("ann")
    async def test_of_many_who_rotate_at_once_one_wins(self, store: Store) -> None:
        async def rotate(letter: str) -> bool:
            async with store.transaction() as tx:
                return await tx.sessions.rotate(FIRST, an_exchange(letter))

        results = await asyncio.gather(*(rotate(letter) for letter in "abcdefgh"))
        assert sorted(results) == [False] * 7 + [True]

    @pytest.mark.usefixtures("ann")
    async def test_used_successor_is_seen(self, store: Store) -> None:
        async with store.transaction() as tx:
            await tx.sessions.rotate(FIRST, an_exchange("2"))
            await tx.sessions.rotate(a_hash("2"), an_exchange("3"))
            presented = await tx.sessions.find(FIRST)
        assert presented is not None
        assert presented.exchanged is not None
        assert presented.exchanged.is_successor_used

    @pytest.mark.usefixtures("ann")
    async def test_replacing_kills_the_unused_successor(self, store: Store) -> None:
        async with store.transaction() as tx:
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
    async def test_used_successor_is_not_replaced(self, store: Store) -> None:
        async with store.transaction() as tx:
            assert not await tx.sessions.replace(FIRST, b"s" * 16, an_exchange("9"))
            await tx.sessions.rotate(FIRST, an_exchange("2"))
            await tx.sessions.rotate(a_hash("2"), an_exchange("3"))
            assert not await tx.sessions.replace(FIRST, b"s" * 16, an_exchange("4", b"t" * 16))
            assert await tx.sessions.find(a_hash("4")) is None

    @pytest.mark.usefixtures("ann")
    async def test_of_many_who_replace_at_once_one_wins(self, store: Store) -> None:
        async def replace_by(letter: str) -> bool:
            async with store.transaction() as tx:
                return await tx.sessions.replace(FIRST, b"s" * 16, an_exchange(letter, letter.encode() * 16))

        async with store.transaction() as tx:
            await tx.sessions.rotate(FIRST, an_exchange("2"))
        results = await asyncio.gather(*(replace_by(letter) for letter in "abcdefgh"))
        assert sorted(results) == [False] * 7 + [True]

    @pytest.mark.usefixtures("ann")
    async def test_session_ends_once_and_the_feed_says_so(self, store: Store, feed: Feed) -> None:
        async with store.transaction() as tx:
            assert await tx.sessions.end(SESSION)
        async with store.transaction() as tx:
            assert not await tx.sessions.end(SESSION)
            assert not await tx.sessions.end(SessionId("other"))
        async with store.reading() as tx:
            presented = await tx.sessions.find(FIRST)
            assert presented is not None
            assert presented.is_ended
            assert await tx.users.of_session(SESSION) is None
        assert await feed() == [("session", SESSION)]
