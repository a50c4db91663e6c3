import asyncio
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import text

from auth_service.actions import accounts, links, sessions
from auth_service.core.audit import Event, Wanted
from auth_service.core.auth import Auth
from auth_service.core.links import LinkKind, LinkToken, link_hash
from auth_service.core.sessions import SessionId
from auth_service.core.users import Edit, UserId
from auth_service.store.database import Database
from shared.errors import AppError, Conflict, Forbidden, InvalidInput, Unauthenticated
from tests.integration.auth_service.rows import CALLER, Feed, a_user

ANN: dict[str, Any] = {"email": "Ann@Example.org", "password": "correct horse", "name": " Ann "}


@pytest.fixture
async def session(auth: Auth) -> SessionId:
    """Ann is registered; this is her session."""
    return (await accounts.register(auth, CALLER, **ANN)).session


async def test_registering_opens_a_session_and_tells_the_gateways(auth: Auth, feed: Feed) -> None:
    logged_in = await accounts.register(auth, CALLER, **ANN)
    assert (logged_in.user.email, logged_in.user.name, logged_in.user.role) == ("ann@example.org", "Ann", "member")
    assert await accounts.me(auth, logged_in.session) == logged_in.user
    assert await feed() == [("user", logged_in.user.id)]
    refreshed = await sessions.refresh(auth, CALLER, logged_in.refresh_token)
    assert refreshed.session == logged_in.session


async def test_password_is_kept_as_its_hash(auth: Auth) -> None:
    user = (await accounts.register(auth, CALLER, **ANN)).user
    assert user.password.startswith("$argon2id$")
    assert await auth.passwords.verify(user.password, ANN["password"])


@pytest.mark.usefixtures("session")
async def test_second_account_with_the_address_is_refused(auth: Auth) -> None:
    with pytest.raises(Conflict, match="email_taken"):
        await accounts.register(auth, CALLER, **{**ANN, "email": "ANN@EXAMPLE.ORG"})


@pytest.mark.parametrize("changed", [{"email": "ann"}, {"password": "short"}, {"name": ""}])
async def test_account_that_breaks_a_rule_is_refused(auth: Auth, feed: Feed, changed: dict[str, str]) -> None:
    with pytest.raises(InvalidInput):
        await accounts.register(auth, CALLER, **{**ANN, **changed})
    with pytest.raises(InvalidInput):
        await accounts.create(auth, **{**ANN, **changed})
    assert await feed() == []


async def test_account_of_the_command_line_may_log_in(auth: Auth, feed: Feed) -> None:
    user = await accounts.create(auth, **ANN)
    logged_in = await sessions.log_in(auth, CALLER, email=ANN["email"], password=ANN["password"])
    assert logged_in.user == user
    assert await feed() == [("user", user.id)]


async def test_edit_changes_me_and_tells_the_gateways(auth: Auth, feed: Feed, session: SessionId) -> None:
    changed = await accounts.edit_me(auth, CALLER, session, Edit(name="Anna", profile={"town": "Ulm"}))
    assert (changed.name, changed.profile) == ("Anna", {"town": "Ulm"})
    assert await accounts.me(auth, session) == changed
    assert await feed() == [("user", changed.id)]


async def test_refused_edit_changes_nothing(auth: Auth, database: Database, session: SessionId) -> None:
    before, told = await accounts.me(auth, session), await database.changes_after(0)
    with pytest.raises(InvalidInput):
        await accounts.edit_me(auth, CALLER, session, Edit(name=""))
    assert await accounts.me(auth, session) == before
    assert await database.changes_after(0) == told


async def test_nobody_is_me_in_a_session_that_is_over(auth: Auth) -> None:
    with pytest.raises(Unauthenticated, match="session_expired"):
        await accounts.me(auth, SessionId("gone"))
    with pytest.raises(Unauthenticated, match="session_expired"):
        await accounts.edit_me(auth, CALLER, SessionId("gone"), Edit(name="x"))


async def test_edit_that_meets_the_deletion_of_the_account_is_too_late(
    auth: Auth, database: Database, session: SessionId
) -> None:
    user = await accounts.me(auth, session)
    async with database.transaction() as tx:
        await accounts.remove(tx, CALLER, user.id)
        edit = asyncio.create_task(accounts.edit_me(auth, CALLER, session, Edit(name="x")))
        if tx.connection.dialect.name == "postgresql":
            # It has found its session, and waits for the row: only now it is too late.
            waiting = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
            async with asyncio.timeout(10):
                while not (await tx.connection.execute(waiting)).scalar_one():
                    pass
    with pytest.raises(Unauthenticated, match="session_expired"):
        await edit


async def test_demo_users_are_seeded_once_however_often_asked(auth: Auth, feed: Feed) -> None:
    assert not await accounts.has_demo_users(auth)
    await asyncio.gather(*(accounts.seed_demo(auth) for _ in range(3)))
    await accounts.seed_demo(auth)
    assert await accounts.has_demo_users(auth)
    assert len(await feed()) == 2
    boss = await sessions.log_in(auth, CALLER, email="dog1@test.com", password="dog1")
    other = await sessions.log_in(auth, CALLER, email="dog2@test.com", password="dog2")
    assert (boss.user.name, boss.user.role, boss.user.profile) == ("dog1", "administrator", {"role": "administrator"})
    assert (other.user.name, other.user.role, other.user.profile) == ("dog2", "member", {})


@pytest.mark.parametrize("email", ["dog1@test.com", " DOG2@Test.com"])
async def test_addresses_of_the_demo_are_nobody_s_to_take(auth: Auth, email: str) -> None:
    for story in (
        accounts.register(auth, CALLER, **{**ANN, "email": email}),
        accounts.create(auth, **{**ANN, "email": email}),
        links.invite_by_command(auth, email=email),
    ):
        with pytest.raises(InvalidInput, match="kept for demos"):
            await story


async def test_somebody_with_an_address_of_the_demo_and_a_password_of_his_own_is_no_demo_user(auth: Auth) -> None:
    user = replace(a_user("dog1@test.com"), password=await auth.passwords.hash(ANN["password"]))
    async with auth.store.transaction() as tx:
        await tx.users.add(user)
    assert not await accounts.has_demo_users(auth)
    async with auth.store.transaction() as tx:
        await tx.users.set_password(user.id, None, await auth.passwords.hash("dog1"))
    assert await accounts.has_demo_users(auth)


async def test_administrator_of_the_command_line_makes_the_set_up_link_void(auth: Auth) -> None:
    token = (await links.make_setup(auth)).address.partition("#token=")[2]
    await accounts.create(auth, **ANN)
    async with auth.store.reading() as tx:
        assert await tx.links.find(link_hash(LinkToken(token)), LinkKind.SETUP) is not None
    await accounts.create(auth, **{**ANN, "email": "boss@example.org"}, role="administrator")
    async with auth.store.reading() as tx:
        assert await tx.links.find(link_hash(LinkToken(token)), LinkKind.SETUP) is None


async def test_deleted_account_is_gone_and_its_sessions_are_told_first(
    auth: Auth, feed: Feed, session: SessionId
) -> None:
    user = await accounts.me(auth, session)
    other = await sessions.log_in(auth, CALLER, email=ANN["email"], password=ANN["password"])
    await accounts.delete_me(auth, CALLER, session, password=ANN["password"])
    assert sorted((await feed())[:2]) == sorted([("session", session), ("session", other.session)])
    assert (await feed())[2:] == [("user", user.id)]
    async with auth.store.reading() as tx:
        assert await tx.users.find(user.id) is None
        (entry,) = await tx.audit.page(Wanted(event=Event.USER_DELETED))
    assert (entry.record.user, entry.record.actor, entry.record.details) == (user.id, user.id, {})


async def test_account_is_not_deleted_without_its_password(auth: Auth, session: SessionId) -> None:
    with pytest.raises(Forbidden, match="wrong_password"):
        await accounts.delete_me(auth, CALLER, session, password="not mine")
    assert (await accounts.me(auth, session)).email == "ann@example.org"


async def test_account_is_deleted_once(auth: Auth, feed: Feed, session: SessionId) -> None:
    stories = (accounts.delete_me(auth, CALLER, session, password=ANN["password"]) for _ in range(3))
    done = await asyncio.gather(*stories, return_exceptions=True)
    assert [each for each in done if each is None] == [None]
    assert {each.code for each in done if isinstance(each, AppError)} <= {"session_expired", "wrong_password"}
    async with auth.store.transaction() as tx:
        assert not await accounts.remove(tx, CALLER, UserId("nobody"))
    assert [kind for kind, _ in await feed()] == ["session", "user"]


async def test_of_two_administrators_who_leave_at_once_one_stays(auth: Auth) -> None:
    both = [
        await accounts.register(auth, CALLER, **{**ANN, "email": email}) for email in ("a@example.org", "b@example.org")
    ]
    async with auth.store.transaction() as tx:
        for each in both:
            await tx.users.set_role(each.user.id, "administrator")
    stories = (accounts.delete_me(auth, CALLER, each.session, password=ANN["password"]) for each in both)
    done = await asyncio.gather(*stories, return_exceptions=True)
    assert sorted(each.code if isinstance(each, AppError) else "" for each in done) == ["", "last_administrator"]
