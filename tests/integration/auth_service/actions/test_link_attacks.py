"""Attacks on one-time links of every kind: used by many at once, too late, for something else, guessed, made without
the right.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text

from auth_service.actions import accounts, links, sessions, users
from auth_service.core.auth import Auth
from auth_service.core.links import LIFETIMES, LinkKind
from auth_service.core.users import UserId
from auth_service.store.database import Database
from shared.errors import Forbidden, Unauthenticated
from tests.integration.auth_service.offers import GOOD, outcomes, registered, token_of, uses
from tests.integration.auth_service.rows import CALLER, Age
from tests.integration.auth_service.sql import rows


@pytest.fixture
async def tokens(auth: Auth) -> dict[LinkKind, str]:
    """A link of each kind that may be used now."""
    user = await registered(auth, None, "reset@example.org")
    invitation = await links.invite_by_command(auth, email=None)
    offers = (await links.make_setup(auth), invitation, await links.start_reset(auth, user.id))
    return {kind: token_of(offer) for kind, offer in zip(LinkKind, offers, strict=True)}


@pytest.mark.parametrize("kind", LinkKind)
async def test_of_many_who_use_a_link_at_once_one_gets_through(
    auth: Auth, tokens: dict[LinkKind, str], kind: LinkKind
) -> None:
    use = uses(auth)[kind]
    tries = [use(tokens[kind], f"ann{n}@example.org") for n in range(5)]
    assert await outcomes(*tries) == ["link_invalid"] * 4 + ["ok"]


@pytest.mark.parametrize("kind", LinkKind)
async def test_link_ends_at_its_time(auth: Auth, age: Age, tokens: dict[LinkKind, str], kind: LinkKind) -> None:
    await age((LIFETIMES[kind] - timedelta(seconds=30)).total_seconds())
    await links.check(auth, CALLER, tokens[kind], kind)
    await age(31)
    with pytest.raises(Forbidden, match="link_invalid"):
        await links.check(auth, CALLER, tokens[kind], kind)
    with pytest.raises(Forbidden, match="link_invalid"):
        await uses(auth)[kind](tokens[kind], "ann@example.org")


@pytest.mark.parametrize("kind", LinkKind)
async def test_link_is_good_for_its_own_kind_only(auth: Auth, tokens: dict[LinkKind, str], kind: LinkKind) -> None:
    for other in set(LinkKind) - {kind}:
        with pytest.raises(Forbidden, match="link_invalid"):
            await uses(auth)[kind](tokens[other], "ann@example.org")
    assert await outcomes(uses(auth)[kind](tokens[kind], "ann@example.org")) == ["ok"]


@pytest.mark.parametrize("token", ["", "x", "x" * 43, "é" * 43, "x" * 10_000, "\x00" * 43])
@pytest.mark.parametrize("kind", LinkKind)
async def test_what_is_no_token_is_refused_as_an_old_one(auth: Auth, kind: LinkKind, token: str) -> None:
    with pytest.raises(Forbidden, match="link_invalid"):
        await uses(auth)[kind](token, "ann@example.org")


async def test_database_holds_no_token(auth: Auth, tokens: dict[LinkKind, str], migrated_url: str) -> None:
    held = str(await rows(migrated_url, "SELECT * FROM link") + await rows(migrated_url, "SELECT * FROM audit"))
    assert tokens
    assert not [token for token in tokens.values() if token in held]


async def disable(auth: Auth, user: UserId) -> None:
    await users.disable(auth, user)
    await users.enable(auth, user)


async def demote(auth: Auth, user: UserId) -> None:
    await users.set_role(auth, user, "member")
    await users.set_role(auth, user, "administrator")


@pytest.mark.parametrize("take_away", [disable, demote])
async def test_invitation_ends_with_the_right_of_its_maker(
    auth: Auth, take_away: Callable[[Auth, UserId], Awaitable[None]]
) -> None:
    """It was made in reserve, by somebody who foresaw that he would go."""
    for name in ("boss", "other"):
        await accounts.create(auth, email=f"{name}@example.org", password=GOOD, name=name, role="administrator")
    tokens = {}
    for name in ("boss", "other"):
        maker = await sessions.log_in(auth, CALLER, email=f"{name}@example.org", password=GOOD)
        tokens[name] = token_of(await links.invite(auth, CALLER, maker.session, email=None))
    await take_away(auth, (await users.find(auth.store, "boss@example.org")).id)
    by_invitation = replace(auth, registration="invitation")
    with pytest.raises(Forbidden, match="link_invalid"):
        await registered(by_invitation, tokens["boss"])
    await registered(by_invitation, tokens["other"])


@pytest.mark.parametrize("loses", ["account", "role"])
async def test_administrator_who_loses_the_right_at_this_moment_invites_nobody(
    auth: Auth, database: Database, migrated_url: str, loses: str
) -> None:
    await accounts.create(auth, email="boss@example.org", password=GOOD, name="Boss", role="administrator")
    boss = await sessions.log_in(auth, CALLER, email="boss@example.org", password=GOOD)
    async with database.transaction() as tx:
        await tx.users.lock(boss.user.id)
        inviting = asyncio.create_task(links.invite(auth, CALLER, boss.session, email=None))
        if tx.connection.dialect.name == "postgresql":
            # It has found its session, and waits for the user: only now it would be too late.
            async with asyncio.timeout(10):
                while not (
                    await tx.connection.execute(text("SELECT count(*) FROM pg_locks WHERE NOT granted"))
                ).scalar():
                    pass
        if loses == "account":
            await tx.users.set_disabled(boss.user.id, disabled=True)
        else:
            await tx.users.set_role(boss.user.id, "member")
    with pytest.raises(Forbidden if loses == "role" else Unauthenticated):
        await inviting
    assert await rows(migrated_url, "SELECT * FROM link") == []
