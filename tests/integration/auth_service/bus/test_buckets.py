"""What is taken back, what never is, and what the log hears of it; shared and in process alike."""

import asyncio

import pytest
from structlog.testing import capture_logs

from auth_service.core.callers import Caller
from auth_service.core.users import UserId
from shared.errors import RateLimited
from tests.integration.auth_service.bus.guesser import ADDRESS, PHONE, Guesser


async def meet_a_full_queue(guesser: Guesser, account: str = "", address: str = ADDRESS) -> None:
    """Admitted, and the password is not looked at."""
    caller = Caller(address, device=PHONE)
    attempt = await guesser.throttle.admit(account or guesser.account, caller, is_known_device=False)
    await guesser.throttle.withdraw(attempt)


async def test_attempts_that_met_a_full_queue_cost_neither_account_nor_address(guesser: Guesser) -> None:
    for _ in range(40):
        await meet_a_full_queue(guesser)
    assert [await guesser.guess(f"{n}@example.org", ADDRESS) for n in range(30)] == [0] * 30
    await guesser.use_up(5)
    assert await guesser.guess() > 0


async def test_attempts_at_once_that_met_a_full_queue_leave_no_wait(guesser: Guesser) -> None:
    caller = Caller(ADDRESS)
    admissions = (guesser.throttle.admit(guesser.account, caller, is_known_device=False) for _ in range(5))
    attempts = await asyncio.gather(*admissions)
    assert await guesser.guess() > 0
    await asyncio.gather(*(guesser.throttle.withdraw(attempt) for attempt in attempts))
    assert await guesser.guess(is_right=True) == 0


async def test_full_queue_forgives_no_failure_of_others(guesser: Guesser) -> None:
    await guesser.use_up(4)
    await meet_a_full_queue(guesser)
    await guesser.use_up(1)
    assert await guesser.guess() > 0


async def test_attempt_after_a_wait_that_met_a_full_queue_begins_no_longer_one(local: Guesser) -> None:
    await local.use_up(5)
    local.clock.now += 1
    await meet_a_full_queue(local)
    await local.use_up(1)
    assert await local.guess() == 2


async def test_full_queue_met_by_a_known_device_is_taken_back_too(guesser: Guesser) -> None:
    for _ in range(10):
        attempt = await guesser.throttle.admit(guesser.account, Caller(device=PHONE), is_known_device=True)
        await guesser.throttle.withdraw(attempt)
    await guesser.use_up(5, is_known_device=True)


async def test_right_passwords_of_an_account_have_a_limit_over_all_its_devices(guesser: Guesser) -> None:
    for n in range(60):
        assert await guesser.guess(is_right=True, is_known_device=n % 2 == 0) == 0
    assert 200 <= await guesser.guess(is_right=True) <= 300
    assert 200 <= await guesser.guess(is_right=True, is_known_device=True) <= 300
    assert await guesser.guess("bob@example.org", is_right=True) == 0


async def test_refusals_for_many_right_passwords_are_no_failures(local: Guesser) -> None:
    for _ in range(60):
        await local.guess(is_right=True)
    for _ in range(10):
        assert await local.guess(is_right=True) == 300
    local.clock.now += 300
    await local.use_up(5)


async def test_registrations_of_an_address_are_counted_and_never_taken_back(guesser: Guesser) -> None:
    for n in range(100):
        await guesser.throttle.admit_registration(Caller(f"2001:db8:0:1::{n:x}"))
    with pytest.raises(RateLimited, match="too_many_attempts") as refused:
        await guesser.throttle.admit_registration(Caller("2001:db8:0:1:ffff::"))
    assert 3500 <= (refused.value.retry_after or 0) <= 3600
    await guesser.throttle.admit_registration(Caller("2001:db8:0:2::1"))
    assert await guesser.guess(address="2001:db8:0:1::1") == 0


async def test_registrations_through_our_own_proxys_address_are_not_counted(local: Guesser) -> None:
    for _ in range(150):
        await local.throttle.admit_registration(Caller("10.0.0.7"))


async def test_edits_of_a_user_are_counted(guesser: Guesser) -> None:
    for _ in range(30):
        await guesser.throttle.admit_edit(UserId("ann"))
    with pytest.raises(RateLimited, match="too_many_attempts"):
        await guesser.throttle.admit_edit(UserId("ann"))
    await guesser.throttle.admit_edit(UserId("bob"))


async def test_log_hears_once_of_a_wait_and_of_nobody_by_name(local: Guesser) -> None:
    with capture_logs() as lines:
        for _ in range(20):
            await local.guess(address="203.0.113.9")
        local.clock.now += 1
        for _ in range(20):
            await local.guess(address="203.0.113.9")
    told = [line for line in lines if line["event"] == "throttle.refused"]
    assert [(line["by"], line["seconds"], line["network"]) for line in told] == [
        ("account", 1, "203.0.113.0/24"),
        ("account", 2, "203.0.113.0/24"),
    ]
    assert not any(clear in str(lines) for clear in (local.account, "203.0.113.9"))


async def test_log_hears_once_of_each_limit_that_is_met(guesser: Guesser) -> None:
    throttle = guesser.throttle
    with capture_logs() as lines:
        for n in range(40):
            await guesser.guess(f"{n}@example.org", ADDRESS)
        for _ in range(63):
            await guesser.guess(is_right=True)
        for _ in range(3):
            await asyncio.gather(*(throttle.admit_edit(UserId("ann")) for _ in range(20)), return_exceptions=True)
        for _ in range(3):
            registrations = (throttle.admit_registration(Caller(ADDRESS)) for _ in range(50))
            await asyncio.gather(*registrations, return_exceptions=True)
    told = [line["by"] for line in lines if line["event"] == "throttle.refused"]
    assert told == ["address", "successes", "edits", "registrations"]
