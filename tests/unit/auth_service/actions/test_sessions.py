import asyncio

import pytest

from auth_service.actions import accounts, sessions
from auth_service.actions.sessions import LoggedIn
from auth_service.core.ports import Randomness
from auth_service.core.sessions import RefreshToken
from auth_service.crypto.passwords import ArgonPasswords
from shared.errors import Unauthenticated
from tests.unit.auth_service.memory_store import MemoryStore

KEYS = {"new": b"n" * 32, "old": b"o" * 32}
EMAIL, PASSWORD = "ann@example.org", "correct horse"


class Auth:
    """The actions bound to one store: what this browser and that thief do."""

    def __init__(self, store: MemoryStore, passwords: ArgonPasswords, randomness: Randomness) -> None:
        self.store = store
        self.passwords = passwords
        self.randomness = randomness
        self.keys = dict(KEYS)

    async def log_in(self, email: str = EMAIL, password: str = PASSWORD) -> LoggedIn:
        return await sessions.log_in(self.store, self.passwords, self.randomness, email=email, password=password)

    async def refresh(self, token: RefreshToken) -> RefreshToken:
        return (await sessions.refresh(self.store, self.keys, self.randomness, token)).refresh_token

    async def log_out(self, token: RefreshToken) -> None:
        await sessions.log_out(self.store, token)


@pytest.fixture
async def auth(store: MemoryStore, passwords: ArgonPasswords, randomness: Randomness) -> Auth:
    """Ann has an account."""
    await accounts.create(store, passwords, randomness, email=EMAIL, password=PASSWORD, name="Ann")
    store.feed.clear()
    return Auth(store, passwords, randomness)


async def refuses(auth: Auth, token: RefreshToken) -> bool:
    with pytest.raises(Unauthenticated, match="session_expired"):
        await auth.refresh(token)
    return True


async def test_log_in_opens_a_session_of_its_own_each_time(auth: Auth) -> None:
    one, two = await auth.log_in(), await auth.log_in(" ANN@example.org")
    assert one.user == two.user
    assert one.session != two.session
    assert one.refresh_token != two.refresh_token
    assert auth.store.feed == []


@pytest.mark.parametrize(("email", "password"), [(EMAIL, "wrong"), ("bob@example.org", PASSWORD), ("", "")])
async def test_wrong_log_in_is_refused_alike(auth: Auth, email: str, password: str) -> None:
    with pytest.raises(Unauthenticated, match="bad_credentials"):
        await auth.log_in(email, password)


async def test_disabled_user_is_refused_like_a_wrong_password(auth: Auth) -> None:
    user = (await auth.log_in()).user
    auth.store.disable(user.id)
    with pytest.raises(Unauthenticated, match="bad_credentials"):
        await auth.log_in()


async def test_hash_made_at_other_costs_is_renewed(auth: Auth) -> None:
    before = (await auth.log_in()).user.password
    auth.passwords = ArgonPasswords(memory_kib=128, time_cost=1)
    await auth.log_in()
    after = (await auth.log_in()).user.password
    assert "m=64," in before
    assert "m=128," in after
    auth.passwords.close()


async def test_line_of_tokens_goes_on(auth: Auth) -> None:
    token = (await auth.log_in()).refresh_token
    seen = {token}
    for _ in range(5):
        await auth.store.age(600)
        token = await auth.refresh(token)
        seen.add(token)
    assert len(seen) == 6


async def test_of_many_tabs_at_once_all_get_the_one_successor(auth: Auth) -> None:
    token = (await auth.log_in()).refresh_token
    following = await asyncio.gather(*(auth.refresh(token) for _ in range(10)))
    assert len(set(following)) == 1


async def test_of_many_repeats_of_a_lost_answer_all_get_the_one_new_successor(auth: Auth) -> None:
    token = (await auth.log_in()).refresh_token
    lost = await auth.refresh(token)
    await auth.store.age(11)
    following = set(await asyncio.gather(*(auth.refresh(token) for _ in range(10))))
    assert len(following) == 1
    assert lost not in following


async def test_repeat_in_grace_is_answered_by_the_key_that_made_the_successor(auth: Auth) -> None:
    token = (await auth.log_in()).refresh_token
    auth.keys = {"old": KEYS["old"]}
    following = await auth.refresh(token)
    auth.keys = dict(KEYS)
    assert await auth.refresh(token) == following


async def test_honest_client_with_lost_answers_is_never_logged_out(auth: Auth) -> None:
    token = (await auth.log_in()).refresh_token
    for _ in range(5):
        for pause in (1, 5, 700):
            await auth.refresh(token)
            await auth.store.age(pause)
        token = await auth.refresh(token)
        await auth.store.age(600)
    assert auth.store.feed == []


async def test_reuse_ends_the_session_for_thief_and_owner(auth: Auth) -> None:
    logged_in = await auth.log_in()
    stolen = logged_in.refresh_token
    second = await auth.refresh(stolen)
    third = await auth.refresh(second)
    await auth.store.age(11)
    assert await refuses(auth, stolen)
    assert await refuses(auth, third)
    assert auth.store.feed == [("session", logged_in.session)]


async def test_killed_successor_is_reuse(auth: Auth) -> None:
    logged_in = await auth.log_in()
    lost = await auth.refresh(logged_in.refresh_token)
    await auth.store.age(11)
    replacement = await auth.refresh(logged_in.refresh_token)
    assert await refuses(auth, lost)
    assert await refuses(auth, replacement)
    assert auth.store.feed == [("session", logged_in.session)]


async def test_unknown_token_is_refused_and_ends_nothing(auth: Auth) -> None:
    assert await refuses(auth, RefreshToken(b"x" * 32))
    assert auth.store.feed == []


async def test_log_out_ends_the_session_by_any_token_of_its_line(auth: Auth) -> None:
    logged_in = await auth.log_in()
    following = await auth.refresh(logged_in.refresh_token)
    await auth.log_out(logged_in.refresh_token)
    assert await refuses(auth, following)
    assert auth.store.feed == [("session", logged_in.session)]


async def test_log_out_with_an_unknown_token_is_no_error(auth: Auth) -> None:
    await auth.log_out(RefreshToken(b"x" * 32))
    assert auth.store.feed == []
