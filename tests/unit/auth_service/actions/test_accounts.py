import asyncio

import pytest

from auth_service.actions import accounts, sessions
from auth_service.core.ports import Randomness
from auth_service.core.sessions import SessionId
from auth_service.core.users import Edit
from auth_service.crypto.passwords import ArgonPasswords
from shared.errors import Conflict, InvalidInput, Unauthenticated
from tests.unit.auth_service.memory_store import MemoryStore

ANN = {"email": "Ann@Example.org", "password": "correct horse", "name": " Ann "}


@pytest.fixture
async def session(store: MemoryStore, passwords: ArgonPasswords, randomness: Randomness) -> SessionId:
    """Ann is registered; this is her session."""
    return (await accounts.register(store, passwords, randomness, **ANN)).session


async def test_registering_opens_a_session_and_tells_the_gateways(
    store: MemoryStore, passwords: ArgonPasswords, randomness: Randomness
) -> None:
    logged_in = await accounts.register(store, passwords, randomness, **ANN)
    assert (logged_in.user.email, logged_in.user.name, logged_in.user.role) == ("ann@example.org", "Ann", "member")
    assert await accounts.me(store, logged_in.session) == logged_in.user
    assert store.feed == [("user", logged_in.user.id)]
    refreshed = await sessions.refresh(store, {"a": b"k" * 32}, randomness, logged_in.refresh_token)
    assert refreshed.session == logged_in.session


async def test_password_is_kept_as_its_hash(
    store: MemoryStore, passwords: ArgonPasswords, randomness: Randomness
) -> None:
    user = (await accounts.register(store, passwords, randomness, **ANN)).user
    assert user.password.startswith("$argon2id$")
    assert await passwords.verify(user.password, ANN["password"])


@pytest.mark.usefixtures("session")
async def test_second_account_with_the_address_is_refused(
    store: MemoryStore, passwords: ArgonPasswords, randomness: Randomness
) -> None:
    with pytest.raises(Conflict, match="email_taken"):
        await accounts.register(store, passwords, randomness, **{**ANN, "email": "ANN@EXAMPLE.ORG"})


@pytest.mark.parametrize("changed", [{"email": "ann"}, {"password": "short"}, {"name": ""}])
async def test_account_that_breaks_a_rule_is_refused(
    store: MemoryStore, passwords: ArgonPasswords, randomness: Randomness, changed: dict[str, str]
) -> None:
    with pytest.raises(InvalidInput):
        await accounts.register(store, passwords, randomness, **{**ANN, **changed})
    with pytest.raises(InvalidInput):
        await accounts.create(store, passwords, randomness, **{**ANN, **changed})
    assert store.feed == []


async def test_account_of_the_command_line_may_log_in(
    store: MemoryStore, passwords: ArgonPasswords, randomness: Randomness
) -> None:
    user = await accounts.create(store, passwords, randomness, **ANN)
    logged_in = await sessions.log_in(store, passwords, randomness, email=ANN["email"], password=ANN["password"])
    assert logged_in.user == user
    assert store.feed == [("user", user.id)]


async def test_edit_changes_me_and_tells_the_gateways(store: MemoryStore, session: SessionId) -> None:
    store.feed.clear()
    changed = await accounts.edit_me(store, session, Edit(name="Anna", profile={"town": "Ulm"}))
    assert (changed.name, changed.profile) == ("Anna", {"town": "Ulm"})
    assert await accounts.me(store, session) == changed
    assert store.feed == [("user", changed.id)]


async def test_refused_edit_changes_nothing(store: MemoryStore, session: SessionId) -> None:
    before = await accounts.me(store, session)
    store.feed.clear()
    with pytest.raises(InvalidInput):
        await accounts.edit_me(store, session, Edit(name=""))
    assert await accounts.me(store, session) == before
    assert store.feed == []


async def test_nobody_is_me_in_a_session_that_is_over(store: MemoryStore) -> None:
    with pytest.raises(Unauthenticated, match="session_expired"):
        await accounts.me(store, SessionId("gone"))
    with pytest.raises(Unauthenticated, match="session_expired"):
        await accounts.edit_me(store, SessionId("gone"), Edit(name="x"))


async def test_demo_users_are_seeded_once_however_often_asked(
    store: MemoryStore, passwords: ArgonPasswords, randomness: Randomness
) -> None:
    assert not await accounts.has_demo_users(store)
    await asyncio.gather(*(accounts.seed_demo(store, passwords, randomness) for _ in range(3)))
    await accounts.seed_demo(store, passwords, randomness)
    assert await accounts.has_demo_users(store)
    assert len(store.feed) == 2
    boss = await sessions.log_in(store, passwords, randomness, email="dog1@test.com", password="dog1")
    other = await sessions.log_in(store, passwords, randomness, email="dog2@test.com", password="dog2")
    assert (boss.user.name, boss.user.role, boss.user.profile) == ("dog1", "administrator", {"role": "administrator"})
    assert (other.user.name, other.user.role, other.user.profile) == ("dog2", "member", {})
