"""One token after the other at its edges, in a transaction of its own each time; see test_session_machine.py too."""

import asyncio
import secrets
from dataclasses import replace

import pytest
from prometheus_client import REGISTRY

from auth_service.actions import accounts, rotation, sessions
from auth_service.actions.sessions import LoggedIn
from auth_service.core.audit import Event, Wanted
from auth_service.core.auth import Auth
from auth_service.core.sessions import ABSOLUTE, GRACE, IDLE, RefreshToken
from auth_service.store.database import Database
from tests.integration.auth_service.rows import CALLER, Age, Feed

HOUR = 3600.0
AFTER_GRACE = GRACE.total_seconds() + 1
THIEF = replace(CALLER, address="198.51.100.7", user_agent="curl")


@pytest.fixture
async def ann(auth: Auth) -> LoggedIn:
    return await accounts.register(auth, CALLER, email="ann@example.org", password="correct horse", name="Ann")


async def exchange(auth: Auth, token: RefreshToken) -> RefreshToken | None:
    async with auth.store.transaction() as tx:
        done = await rotation.exchange(tx, auth.refresh_keys, auth.randomness, THIEF, token)
    return None if done is None else done[1]


async def successor(auth: Auth, token: RefreshToken) -> RefreshToken:
    following = await exchange(auth, token)
    assert following is not None
    return following


def count(decision: str) -> float:
    return REGISTRY.get_sample_value("parley_auth_refreshes_total", {"decision": decision}) or 0.0


async def test_late_request_does_not_bring_an_old_token_back_into_the_browser(
    auth: Auth, ann: LoggedIn, age: Age
) -> None:
    first = ann.refresh_token
    second = await successor(auth, first)
    third = await successor(auth, second)
    fourth = await successor(auth, third)
    kept = await successor(auth, first)  # sent long before the others, answered after them
    assert kept == fourth
    await age(AFTER_GRACE)
    assert await exchange(auth, kept) is not None


async def test_late_request_gets_what_its_key_can_still_make(auth: Auth, ann: LoggedIn) -> None:
    other = replace(auth, refresh_keys={"b": b"b" * 32, **auth.refresh_keys})
    second = await successor(auth, ann.refresh_token)
    await successor(other, second)
    assert await successor(auth, ann.refresh_token) == second


async def test_session_unused_for_30_days_is_over(auth: Auth, ann: LoggedIn, age: Age) -> None:
    await age(IDLE.total_seconds() - HOUR)
    following = await successor(auth, ann.refresh_token)
    await age(IDLE.total_seconds() - HOUR)
    following = await successor(auth, following)
    await age(IDLE.total_seconds() + HOUR)
    assert await exchange(auth, following) is None


async def test_session_older_than_90_days_is_over_however_much_it_is_used(auth: Auth, ann: LoggedIn, age: Age) -> None:
    token = ann.refresh_token
    for _ in range(3):
        await age(ABSOLUTE.total_seconds() / 4)
        token = await successor(auth, token)
    await age(ABSOLUTE.total_seconds() / 4 - HOUR)
    token = await successor(auth, token)
    await age(2 * HOUR)
    assert await exchange(auth, token) is None


async def test_grace_is_10_seconds(auth: Auth, ann: LoggedIn, age: Age) -> None:
    following = await successor(auth, ann.refresh_token)
    await age(GRACE.total_seconds() - 5)
    assert await exchange(auth, ann.refresh_token) == following
    await age(5)
    assert await exchange(auth, ann.refresh_token) not in (following, None)


async def test_reuse_ends_the_session_once_and_is_written_down(auth: Auth, ann: LoggedIn, age: Age, feed: Feed) -> None:
    await successor(auth, await successor(auth, ann.refresh_token))
    await age(AFTER_GRACE)
    before = count("reuse")
    stolen = [exchange(auth, ann.refresh_token) for _ in range(4)]
    assert await asyncio.gather(*stolen) == [None] * 4
    assert await feed() == [("user", ann.user.id), ("session", ann.session)]
    async with auth.store.reading() as tx:
        (entry,) = await tx.audit.page(Wanted(event=Event.SESSION_REUSED))
    assert (entry.record.user, entry.record.actor) == (ann.user.id, "unknown")
    assert (entry.record.network, entry.record.details) == ("198.51.100.0/24", {"session": ann.session})
    assert count("reuse") > before


@pytest.mark.parametrize("how", ["others", "everywhere", "revoked", "account"])
async def test_refresh_is_refused_at_once_when_the_session_was_ended(auth: Auth, ann: LoggedIn, how: str) -> None:
    elsewhere = await sessions.log_in(auth, CALLER, email="ann@example.org", password="correct horse")
    match how:
        case "others":
            await sessions.log_out_others(auth, CALLER, elsewhere.session)
        case "everywhere":
            await sessions.log_out_everywhere(auth, CALLER, elsewhere.session)
        case "revoked":
            await sessions.revoke(auth, CALLER, elsewhere.session, ann.session)
        case _:
            await accounts.delete_me(auth, CALLER, elsewhere.session, password="correct horse")
    assert await exchange(auth, ann.refresh_token) is None


async def test_end_that_comes_between_the_look_and_the_exchange_is_seen(auth: Auth, ann: LoggedIn) -> None:
    """Any number of refreshes against an end: whoever was answered was answered before it."""
    end = sessions.log_out_session(auth, CALLER, ann.session)
    answers = await asyncio.gather(*(exchange(auth, ann.refresh_token) for _ in range(5)), end)
    for following in answers:
        if following is not None:
            assert await exchange(auth, following) is None


async def test_token_nobody_made_is_refused_and_counted(auth: Auth, database: Database) -> None:
    before = count("unknown")
    assert await exchange(auth, RefreshToken(secrets.token_bytes(32))) is None
    assert count("unknown") == before + 1
