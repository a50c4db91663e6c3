"""The three user tests of the original, on a freshly migrated database of each kind, and what deleting takes along."""

import asyncio
from dataclasses import replace

from sqlalchemy import func, select

from auth_service.core.sessions import SessionId
from auth_service.core.users import User, UserId
from auth_service.store import tables
from auth_service.store.database import Database
from tests.integration.auth_service.rows import CALLER, a_hash, a_user


async def added(database: Database) -> User:
    user = a_user()
    async with database.transaction() as tx:
        await tx.users.add(user)
    return user


async def found(database: Database, email: str) -> User | None:
    async with database.reading() as tx:
        return await tx.users.find_by_email(email)


async def test_create_a_user(database: Database) -> None:
    assert await found(database, "ann@example.org") is None
    user = await added(database)
    assert await found(database, "ann@example.org") == user


async def test_update_the_profile_of_a_user(database: Database) -> None:
    user = await added(database)
    profile = {"likes": ["dogs"], "nested": {"a": [1, 2.5, None, True, "ü"]}}
    async with database.transaction() as tx:
        await tx.users.update(user.id, lambda current: replace(current, profile=profile))
    assert await found(database, user.email) == replace(user, profile=profile)


async def test_delete_a_user(database: Database) -> None:
    user = await added(database)
    async with database.transaction() as tx:
        assert await tx.users.remove(user.id)
        assert not await tx.users.remove(UserId("nobody"))
    assert await found(database, user.email) is None


async def test_deleting_takes_sessions_and_tokens_along(database: Database) -> None:
    user = await added(database)
    async with database.transaction() as tx:
        await tx.sessions.open(SessionId("s"), user.id, a_hash("1"), CALLER)
        await tx.users.remove(user.id)
    async with database._engine.connect() as connection:
        for table in (tables.session, tables.refresh_token):
            assert await connection.scalar(select(func.count()).select_from(table)) == 0


async def test_row_knows_when_it_was_made(database: Database) -> None:
    await added(database)
    async with database._engine.connect() as connection:
        created_at = await connection.scalar(select(tables.user.c.created_at))
    assert created_at is not None
    assert created_at.tzinfo is not None


async def test_text_no_database_can_hold_is_nobodys_address(database: Database) -> None:
    assert await found(database, "ann@example.org\0") is None


async def test_locked_user_is_read_as_he_is(database: Database) -> None:
    user = await added(database)
    async with database.transaction() as tx:
        assert await tx.users.lock(user.id) == user
        assert await tx.users.lock(UserId("nobody")) is None


async def test_of_two_who_lock_a_user_the_second_sees_what_the_first_did(database: Database) -> None:
    user = await added(database)

    async def rename(letter: str) -> None:
        async with database.transaction() as tx:
            locked = await tx.users.lock(user.id)
            assert locked is not None
            await tx.users.update(user.id, lambda _: replace(locked, name=locked.name + letter))

    await asyncio.gather(*(rename(letter) for letter in "abcd"))
    after = await found(database, user.email)
    assert after is not None
    assert sorted(after.name.removeprefix("Ann")) == ["a", "b", "c", "d"]


async def test_administrators_are_those_who_may_act(database: Database) -> None:
    users = [replace(a_user(f"{n}@example.org"), role="administrator", is_disabled=n == 1) for n in range(3)]
    async with database.transaction() as tx:
        for user in [*users, a_user("member@example.org")]:
            await tx.users.add(user)
        assert await tx.users.administrators() == sorted([users[0].id, users[2].id])
