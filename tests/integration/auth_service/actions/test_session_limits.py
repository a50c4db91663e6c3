"""Attacks by number: whoever opens sessions, knows devices or goes on with a session without end."""

import asyncio
from dataclasses import replace

import pytest
from sqlalchemy import text

from auth_service.actions import accounts, sessions, users
from auth_service.actions.sessions import LoggedIn
from auth_service.core.audit import Event, Wanted
from auth_service.core.auth import Auth
from auth_service.core.sessions import GRACE, MOST_EXCHANGES, MOST_SESSIONS, RefreshToken
from auth_service.core.users import User
from auth_service.store.database import Database
from auth_service.store.devices import MOST as MOST_DEVICES
from shared.errors import RateLimited
from tests.integration.auth_service.rows import CALLER, Age
from tests.integration.auth_service.sql import rows
from tests.integration.auth_service.statements import statements

EMAIL, PASSWORD = "ann@example.org", "correct horse"
AFTER_GRACE = GRACE.total_seconds() + 1
MORE_THAN_POSTGRES_TAKES_ARGUMENTS = 33_000
MANY_SESSIONS = """
    WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < :count)
    INSERT INTO session (id, user_id, started_at, last_used_at)
    SELECT 'session ' || n, :user, :now, :now FROM numbers
"""


@pytest.fixture
async def ann(auth: Auth) -> LoggedIn:
    return await accounts.register(auth, CALLER, email=EMAIL, password=PASSWORD, name="Ann")


async def log_in(auth: Auth) -> LoggedIn:
    return await sessions.log_in(auth, CALLER, email=EMAIL, password=PASSWORD)


async def open_sessions(auth: Auth, user: User, count: int) -> list[LoggedIn]:
    async with auth.store.transaction() as tx:
        await tx.users.lock(user.id)
        return [await sessions.open_session(tx, auth.randomness, user, CALLER) for _ in range(count)]


async def chain(auth: Auth, token: RefreshToken, length: int) -> RefreshToken:
    for _ in range(length):
        token = (await sessions.refresh(auth, CALLER, token)).refresh_token
    return token


async def test_one_session_more_than_there_may_be_ends_the_least_recently_used(
    auth: Auth, ann: LoggedIn, age: Age
) -> None:
    await open_sessions(auth, ann.user, 1)
    await age(10)
    await open_sessions(auth, ann.user, MOST_SESSIONS - 2)
    await age(10)
    used = await sessions.refresh(auth, CALLER, ann.refresh_token)
    assert len(before := await sessions.listed(auth, ann.session)) == MOST_SESSIONS
    one_more = await log_in(auth)
    after = await sessions.listed(auth, one_more.session)
    assert {each.id for each in after} == {each.id for each in before[:-1]} | {one_more.session}
    assert used.session in {each.id for each in after}
    async with auth.store.reading() as tx:
        (entry,) = await tx.audit.page(Wanted(event=Event.SESSION_ENDED))
    assert entry.record.details == {"session": before[-1].id, "why": "too many"}


async def test_log_ins_at_once_leave_no_more_sessions_than_there_may_be(auth: Auth, ann: LoggedIn) -> None:
    await open_sessions(auth, ann.user, MOST_SESSIONS - 2)
    await asyncio.gather(*(log_in(auth) for _ in range(5)))  # the throttle lets no more strangers try at once
    async with auth.store.reading() as tx:
        assert len(await tx.sessions.of_user(ann.user.id)) == MOST_SESSIONS


async def test_log_in_in_place_of_the_browsers_own_session_ends_no_other(auth: Auth, ann: LoggedIn) -> None:
    await open_sessions(auth, ann.user, MOST_SESSIONS - 1)
    caller = replace(CALLER, session=ann.refresh_token)
    await sessions.log_in(auth, caller, email=EMAIL, password=PASSWORD)
    async with auth.store.reading() as tx:
        (entry,) = await tx.audit.page(Wanted(event=Event.SESSION_ENDED))
    assert entry.record.details == {"session": ann.session, "why": "another log-in"}


@pytest.mark.nightly
async def test_account_with_any_number_of_sessions_is_disabled(
    auth: Auth, ann: LoggedIn, database: Database, migrated_url: str
) -> None:
    """They are of a time before the limit, or of somebody who found a way past it."""
    async with database.transaction() as tx:
        values = {
            "count": MORE_THAN_POSTGRES_TAKES_ARGUMENTS,
            "user": ann.user.id,
            "now": int((await tx.now()).timestamp() * 1000),
        }
        await tx.connection.execute(text(MANY_SESSIONS), values)
    with statements(database) as seen:
        await users.disable(auth, ann.user.id)
    assert len(seen) < 30
    async with auth.store.reading() as tx:
        assert await tx.sessions.of_user(ann.user.id) == []
        audited = await tx.audit.page(Wanted(event=Event.SESSION_ENDED), limit=100_000)
    assert len(audited) == MORE_THAN_POSTGRES_TAKES_ARGUMENTS + 1
    assert await rows(migrated_url, "SELECT count(*) FROM change WHERE kind = 'session'") == [(len(audited),)]


async def test_user_is_known_on_no_more_devices_than_there_may_be(auth: Auth, ann: LoggedIn, migrated_url: str) -> None:
    """A thief logs in again and again without the cookie: each device would be guesses of its own."""
    await open_sessions(auth, ann.user, MOST_DEVICES + 10)
    assert await rows(migrated_url, "SELECT count(*) FROM device") == [(MOST_DEVICES,)]


async def test_session_that_goes_on_without_end_is_told_to_wait(auth: Auth, ann: LoggedIn, age: Age) -> None:
    last = await chain(auth, ann.refresh_token, MOST_EXCHANGES)
    with pytest.raises(RateLimited, match="too_many_attempts") as refused:
        await sessions.refresh(auth, CALLER, last)
    assert refused.value.retry_after == GRACE.total_seconds()
    assert await chain(auth, ann.refresh_token, 1) == last, "a repeat is none of them"
    await age(AFTER_GRACE)
    assert (await sessions.refresh(auth, CALLER, last)).session == ann.session


async def test_other_sessions_go_on_beside_one_that_must_wait(auth: Auth, ann: LoggedIn) -> None:
    (other,) = await open_sessions(auth, ann.user, 1)
    await chain(auth, ann.refresh_token, MOST_EXCHANGES)
    assert (await sessions.refresh(auth, CALLER, other.refresh_token)).session == other.session


async def test_repeat_of_the_first_of_many_asks_as_little_as_of_the_last(
    auth: Auth, ann: LoggedIn, database: Database
) -> None:
    last = await chain(auth, ann.refresh_token, MOST_EXCHANGES)
    with statements(database) as seen:
        assert await chain(auth, ann.refresh_token, 1) == last
    assert len([statement for statement in seen if statement.startswith("SELECT")]) == 2
