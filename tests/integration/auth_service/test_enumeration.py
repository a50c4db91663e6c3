"""Nobody learns who has an account: work and time of a refused log-in are the same for all of them.

Times are compared within one run, taken in turns, so that a busy machine slows all kinds alike.
"""

import statistics
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from auth_service.actions import accounts, sessions
from auth_service.app import throttle_of
from auth_service.core.auth import Auth
from auth_service.core.callers import Caller, DeviceToken
from auth_service.crypto.passwords import ArgonPasswords
from auth_service.settings import AuthSettings
from auth_service.store.database import Database
from shared.errors import AppError
from tests.integration.auth_service.person import StoppedClock
from tests.integration.auth_service.statements import statements

pytestmark = pytest.mark.no_cover  # many cases, twice as long if traced; smaller tests cover the same lines

PASSWORD = "correct horse"
KINDS = {
    "wrong password": ("ann@example.org", "wrong password"),
    "unknown": ("cat@example.org", PASSWORD),
    "disabled": ("bob@example.org", PASSWORD),
}
RIGHT = ("ann@example.org", PASSWORD)
ROUNDS = 25
A_DAY = 100_000


class Guesser:
    """Always from the same browser, on which nobody logged in yet."""

    caller = Caller("203.0.113.9", device=DeviceToken(b"d" * 16))

    def __init__(self, auth: Auth, clock: StoppedClock) -> None:
        self.auth, self.clock = auth, clock

    async def fails(self, email: str, password: str) -> str:
        """The code of the refusal."""
        with pytest.raises(AppError) as refused:
            await sessions.log_in(self.auth, self.caller, email=email, password=password)
        return refused.value.code

    async def medians(self, code: str, kinds: dict[str, tuple[str, str]]) -> dict[str, float]:
        """Seconds that each kind takes, measured in turns."""
        taken: dict[str, list[float]] = {kind: [] for kind in kinds}
        for _ in range(ROUNDS):
            for kind, attempt in kinds.items():
                started = time.perf_counter()
                assert await self.fails(*attempt) == code
                taken[kind].append(time.perf_counter() - started)
            if code == "bad_credentials":
                self.clock.now += A_DAY  # the throttle has forgotten
        return {kind: statistics.median(seconds) for kind, seconds in taken.items()}

    async def must_wait(self) -> None:
        """Every account has failed too often."""
        for email, _ in KINDS.values():
            for _ in range(5):
                await self.fails(email, "wrong password")


@pytest.fixture
def passwords() -> Iterator[ArgonPasswords]:
    """A hash of some milliseconds: more than the queries around it, so that one left out is seen."""
    passwords = ArgonPasswords(memory_kib=8192, time_cost=2)
    yield passwords
    passwords.close()


@pytest.fixture
async def guesser(auth: Auth, settings: AuthSettings, clock: StoppedClock) -> Guesser:
    await accounts.create(auth, email="ann@example.org", password=PASSWORD, name="Ann")
    bob = await accounts.create(auth, email="bob@example.org", password=PASSWORD, name="Bob")
    async with auth.store.transaction() as tx:
        assert await tx.users.set_disabled(bob.id, disabled=True)
    return Guesser(replace(auth, throttle=throttle_of(settings, clock)), clock)


async def test_refused_log_ins_of_all_kinds_ask_the_database_the_same(guesser: Guesser, database: Database) -> None:
    asked = {}
    for kind, attempt in KINDS.items():
        with statements(database) as seen:
            assert await guesser.fails(*attempt) == "bad_credentials"
        asked[kind] = seen
    assert len(asked["unknown"]) > 2
    assert asked["wrong password"] == asked["unknown"] == asked["disabled"]


async def test_throttled_log_ins_of_all_kinds_ask_the_database_the_same(guesser: Guesser, database: Database) -> None:
    await guesser.must_wait()
    asked = {}
    for kind, attempt in (KINDS | {"right": RIGHT}).items():
        with statements(database) as seen:
            assert await guesser.fails(*attempt) == "too_many_attempts"
        asked[kind] = seen
    assert asked["right"] == asked["wrong password"] == asked["unknown"] == asked["disabled"]


async def test_refused_log_ins_of_all_kinds_take_the_same_time(guesser: Guesser) -> None:
    looked_at = await guesser.medians("bad_credentials", KINDS)
    for kind in KINDS:
        assert 0.7 < looked_at[kind] / looked_at["unknown"] < 1.4, looked_at
    await guesser.must_wait()
    not_looked_at = await guesser.medians("too_many_attempts", {"right": RIGHT, "unknown": KINDS["unknown"]})
    assert 0.5 < not_looked_at["right"] / not_looked_at["unknown"] < 2, not_looked_at
    assert not_looked_at["unknown"] < 0.7 * looked_at["unknown"], "the measure would not see a hash left out"
