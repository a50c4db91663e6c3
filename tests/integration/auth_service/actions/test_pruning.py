"""What the hourly pruning takes and what it leaves, on both databases."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, insert, select

from auth_service.actions import accounts, pruning, sessions
from auth_service.actions.sessions import LoggedIn
from auth_service.core.audit import Event
from auth_service.core.auth import Auth
from auth_service.core.sessions import ABSOLUTE, IDLE, RefreshToken
from auth_service.store import tables
from auth_service.store.database import Database
from shared.errors import Unauthenticated
from tests.integration.auth_service.rows import CALLER, Age, Feed

HOUR, DAY = 3600.0, 86400.0
ANN = {"email": "ann@example.org", "password": "correct horse"}


@pytest.fixture
async def ann(auth: Auth) -> LoggedIn:
    return await accounts.register(auth, CALLER, **ANN, name="Ann")


async def rows(database: Database) -> tuple[int, int]:
    """How many sessions and tokens there are."""
    async with database.reading() as tx:
        counts = [
            (await tx.connection.execute(select(func.count()).select_from(table))).scalar_one()
            for table in (tables.session, tables.refresh_token)
        ]
    return counts[0], counts[1]


async def refresh(auth: Auth, token: RefreshToken) -> RefreshToken:
    return (await sessions.refresh(auth, CALLER, token)).refresh_token


async def test_session_in_use_is_left_alone(auth: Auth, database: Database, ann: LoggedIn, age: Age) -> None:
    await age(IDLE.total_seconds() - HOUR)
    await pruning.prune(auth)
    assert await rows(database) == (1, 1)
    await refresh(auth, ann.refresh_token)


async def test_ended_session_stays_as_long_as_gateways_may_ask_for_it(
    auth: Auth, database: Database, ann: LoggedIn, age: Age
) -> None:
    await sessions.log_out(auth, CALLER, ann.refresh_token)
    await age(24 * 60)
    await pruning.prune(auth)
    assert await rows(database) == (1, 1)
    await age(60)
    await pruning.prune(auth)
    assert await rows(database) == (0, 0)


@pytest.mark.usefixtures("ann")
async def test_session_idle_for_too_long_goes(auth: Auth, database: Database, age: Age) -> None:
    await age(IDLE.total_seconds() + HOUR)
    await pruning.prune(auth)
    assert await rows(database) == (0, 0)


async def test_session_that_is_too_old_goes_however_fresh_its_tokens_are(
    auth: Auth, database: Database, ann: LoggedIn, age: Age
) -> None:
    token = ann.refresh_token
    for _ in range(4):
        await age(ABSOLUTE.total_seconds() / 4 - 600)
        token = await refresh(auth, token)
    await age(2 * HOUR)
    await pruning.prune(auth)
    assert await rows(database) == (0, 0)


async def test_token_no_browser_can_hold_any_more_goes_and_is_a_stranger_then(
    auth: Auth, database: Database, ann: LoggedIn, age: Age, feed: Feed
) -> None:
    second = await refresh(auth, ann.refresh_token)
    await age(20 * DAY)
    third = await refresh(auth, second)
    await age(10 * DAY + HOUR)
    await pruning.prune(auth)
    assert await rows(database) == (1, 2)
    with pytest.raises(Unauthenticated, match="session_expired"):
        await refresh(auth, ann.refresh_token)
    assert ("session", ann.session) not in await feed()
    await refresh(auth, third)


async def test_reuse_is_noticed_for_as_long_as_a_browser_may_come_back(
    auth: Auth, ann: LoggedIn, age: Age, feed: Feed
) -> None:
    """A thief goes on with a copied cookie; the owner opens his laptop four weeks later."""
    stolen = await refresh(auth, ann.refresh_token)
    for _ in range(4):
        await age(7 * DAY)
        await pruning.prune(auth)
        stolen = await refresh(auth, stolen)
    with pytest.raises(Unauthenticated, match="session_expired"):
        await refresh(auth, ann.refresh_token)
    assert ("session", ann.session) in await feed()
    with pytest.raises(Unauthenticated, match="session_expired"):
        await refresh(auth, stolen)


async def test_killed_token_stays_with_its_session(auth: Auth, ann: LoggedIn, age: Age, feed: Feed) -> None:
    lost = await refresh(auth, ann.refresh_token)
    await age(HOUR)
    token = await refresh(auth, ann.refresh_token)
    for _ in range(2):
        await age(20 * DAY)
        token = await refresh(auth, token)
    await pruning.prune(auth)
    with pytest.raises(Unauthenticated, match="session_expired"):
        await refresh(auth, lost)
    assert ("session", ann.session) in await feed()


async def test_more_than_a_page_goes_in_pages_whoever_else_prunes(
    auth: Auth, database: Database, ann: LoggedIn, age: Age, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pruning, "PAGE_ROWS", 3)
    for _ in range(10):
        token = (await sessions.log_in(auth, CALLER, **ANN)).refresh_token
        await refresh(auth, token)
    await age(IDLE.total_seconds() + HOUR)
    living = await sessions.log_in(auth, CALLER, **ANN)
    await asyncio.gather(*(pruning.prune(auth) for _ in range(3)))
    assert await rows(database) == (1, 1)
    assert (await accounts.me(auth, living.session)).id == ann.user.id


async def failed_log_ins(database: Database, *days: float) -> None:
    """A record of one that long ago each: no clock of a database can be moved, and no record be made older."""
    async with database.transaction() as tx:
        now = await tx.now()
        ages = [{"at": now - timedelta(days=age), "details": {"days": age}} for age in days]
        values = {"event": Event.LOGIN_FAILED, "actor": "unknown", "network": ""}
        await tx.connection.execute(insert(tables.audit).values(values), [values | age for age in ages])


async def kept(database: Database) -> list[object]:
    async with database.reading() as tx:
        return [entry.record.details["days"] for entry in await tx.audit.page()]


async def test_audit_records_go_when_their_time_is_over(auth: Auth, database: Database) -> None:
    await failed_log_ins(database, 401, 399, 500, 0, 31)
    await pruning.prune(replace(auth, audit_kept=timedelta(days=400)))
    assert await kept(database) == [399, 0, 31]
    await pruning.prune(replace(auth, audit_kept=timedelta(days=30)))
    assert await kept(database) == [0, 31], "the newest stays, or its number would be given again"


async def test_audit_records_are_kept_for_ever_where_the_site_says_so(auth: Auth, database: Database) -> None:
    await failed_log_ins(database, 4000, 0)
    await pruning.prune(replace(auth, audit_kept=None))
    assert await kept(database) == [4000, 0]


async def test_flood_of_failed_log_ins_goes_in_pages_whoever_else_prunes(
    auth: Auth, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pruning, "PAGE_ROWS", 3)
    await failed_log_ins(database, *[401.0] * 20, 1)
    pruned = pruning.PRUNED.labels("audit")
    before = pruned._value.get()
    await asyncio.gather(*(pruning.prune(replace(auth, audit_kept=timedelta(days=400))) for _ in range(3)))
    assert await kept(database) == [1]
    assert pruned._value.get() == before + 20
