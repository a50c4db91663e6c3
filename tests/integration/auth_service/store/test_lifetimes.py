"""The edges of a session's life in SQL; core/sessions.py decides the same for a token that is presented."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from auth_service.core.sessions import ABSOLUTE, IDLE
from auth_service.store import tables
from auth_service.store.database import Database
from auth_service.store.lifetimes import is_over
from tests.integration.auth_service.rows import CALLER, FIRST, SESSION, Age, a_user

# What the test itself may take, and never as long as an hour.
HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
async def _session(database: Database) -> None:
    async with database.transaction() as tx:
        user = a_user()
        await tx.users.add(user)
        await tx.sessions.open(SESSION, user.id, FIRST, CALLER)


async def over(database: Database, since: timedelta = timedelta()) -> bool:
    async with database.reading() as tx:
        query = select(tables.session.c.id)
        found = (await tx.connection.execute(query.where(is_over(since=since)))).scalars().all()
        others = (await tx.connection.execute(query.where(~is_over(since=since)))).scalars().all()
    assert sorted([*found, *others]) == [SESSION], "each session is the one or the other"
    return bool(found)


async def test_session_is_over_once_it_was_ended(database: Database, age: Age) -> None:
    assert not await over(database)
    async with database.transaction() as tx:
        await tx.sessions.end(SESSION)
    assert await over(database)
    assert not await over(database, HOUR)
    await age(HOUR.total_seconds())
    assert await over(database, HOUR)


async def test_session_is_over_once_it_was_idle_for_too_long(database: Database, age: Age) -> None:
    await age((IDLE - HOUR).total_seconds())
    assert not await over(database)
    await age(2 * HOUR.total_seconds())
    assert await over(database)
    assert not await over(database, 2 * HOUR)


async def test_session_is_over_once_it_is_too_old(database: Database, age: Age) -> None:
    async def use() -> None:
        async with database.transaction() as tx:
            await tx.connection.execute(tables.session.update().values(last_used_at=await tx.now()))

    await age((ABSOLUTE - HOUR).total_seconds())
    await use()
    assert not await over(database)
    await age(2 * HOUR.total_seconds())
    await use()
    assert await over(database)
