import asyncio
from collections import Counter

import pytest

from auth_service.bus.throttle import SKIPPED
from auth_service.core.callers import Caller
from shared.errors import RateLimited
from tests.integration.auth_service.bus.guesser import ADDRESS, Guesser


async def test_five_failures_are_free_and_the_next_attempt_must_wait(guesser: Guesser) -> None:
    await guesser.use_up(5)
    assert 0 < await guesser.guess() <= guesser.first_wait
    assert 0 < await guesser.guess(address=ADDRESS, is_right=True) <= guesser.first_wait


async def test_waits_double_up_to_a_quarter_of_an_hour(local: Guesser) -> None:
    await local.use_up(5, is_known_device=True)
    waits = []
    for _ in range(12):
        waits.append(await local.guess(is_known_device=True))
        local.clock.now += waits[-1]
        await local.use_up(1, is_known_device=True)
    assert waits == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]


async def test_who_asks_during_a_wait_makes_it_no_longer(local: Guesser) -> None:
    await local.use_up(5)
    for _ in range(100):
        assert await local.guess() == 1
    local.clock.now += 1
    assert await local.guess() == 0
    assert await local.guess() == 2


async def test_right_password_is_taken_after_the_wait_and_forgets_the_failures(local: Guesser) -> None:
    await local.use_up(5)
    local.clock.now += await local.guess(is_right=True)
    assert await local.guess(is_right=True) == 0
    await local.use_up(5)
    assert await local.guess() == 1


async def test_failures_are_forgotten_after_a_day(local: Guesser) -> None:
    await local.use_up(5)
    local.clock.now += 86_401
    await local.use_up(5)


async def test_of_a_hundred_guesses_at_once_five_are_looked_at(guesser: Guesser) -> None:
    waits = await asyncio.gather(*(guesser.guess(address=f"203.0.113.{n}") for n in range(100)))
    assert Counter(wait > 0 for wait in waits) == {True: 95, False: 5}
    assert max(waits) <= guesser.first_wait


async def test_many_at_once_after_a_wait_get_one_look(local: Guesser) -> None:
    await local.use_up(5)
    local.clock.now += 1
    waits = await asyncio.gather(*(local.guess(address=f"203.0.113.{n}") for n in range(50)))
    assert sorted(waits) == [0, *[2] * 49]


async def test_many_right_log_ins_of_one_account_go_through(guesser: Guesser) -> None:
    for _ in range(20):
        assert await guesser.guess(is_right=True) == 0


async def test_known_device_is_not_stopped_by_strangers_nor_are_they_by_it(guesser: Guesser) -> None:
    await guesser.use_up(5)
    assert await guesser.guess() > 0
    await guesser.use_up(5, is_known_device=True)
    assert 0 < await guesser.guess(is_known_device=True) <= guesser.first_wait


async def test_log_in_on_a_known_device_does_not_forgive_the_strangers(guesser: Guesser) -> None:
    await guesser.use_up(5)
    assert await guesser.guess(is_right=True, is_known_device=True) == 0
    assert await guesser.guess() > 0


async def test_address_has_thirty_failures_in_five_minutes_whatever_the_account(guesser: Guesser) -> None:
    assert [await guesser.guess(f"{n}@example.org", ADDRESS) for n in range(30)] == [0] * 30
    assert 200 <= await guesser.guess("31@example.org", ADDRESS) <= 300
    assert await guesser.guess("31@example.org", "192.0.2.99", is_right=True) == 0
    assert await guesser.guess("32@example.org", ADDRESS, is_known_device=True) == 0


async def test_successes_do_not_count_for_an_address(guesser: Guesser) -> None:
    for n in range(40):
        assert await guesser.guess(f"{n}@example.org", ADDRESS, is_right=True) == 0


async def test_own_account_buys_no_guesses_at_others(guesser: Guesser) -> None:
    looks = 0
    for n in range(60):
        looks += await guesser.guess(f"{n}@example.org", ADDRESS) == 0
        await guesser.guess("mallory@example.org", ADDRESS, is_right=True)
    assert looks == 30


async def test_what_is_refused_for_the_address_does_not_touch_the_account(guesser: Guesser) -> None:
    for n in range(30):
        await guesser.guess(f"{n}@example.org", ADDRESS)
    for _ in range(10):
        assert await guesser.guess(address=ADDRESS) > 0
    await guesser.use_up(5)


async def test_what_is_refused_for_the_account_does_not_count_for_the_address(guesser: Guesser) -> None:
    await guesser.use_up(5)
    for _ in range(40):
        assert await guesser.guess(address=ADDRESS) > 0
    assert await guesser.guess("somebody@example.org", ADDRESS) == 0


async def test_address_begins_anew_after_five_minutes_even_if_a_success_comes_late(local: Guesser) -> None:
    late = await local.throttle.admit("late@example.org", Caller("192.0.2.1"), is_known_device=False)
    local.clock.now += 301
    await local.throttle.succeed(late)
    assert [await local.guess(f"{n}@example.org") for n in range(30)] == [0] * 30
    assert await local.guess("31@example.org") == 300


async def test_address_of_our_own_proxy_is_skipped_and_counted_so(local: Guesser) -> None:
    before = SKIPPED._value.get()
    for n in range(40):
        assert await local.guess(f"{n}@example.org", "10.0.0.7") == 0
    assert SKIPPED._value.get() == before + 40
    await local.guess("41@example.org", "10.0.0.7", is_known_device=True)
    assert SKIPPED._value.get() == before + 40


async def test_guesses_of_links_count_for_the_address(guesser: Guesser) -> None:
    caller = Caller(ADDRESS)
    for _ in range(40):
        await guesser.throttle.admit_address(caller)
        await guesser.throttle.succeed_address(caller)
    for _ in range(30):
        await guesser.throttle.admit_address(caller)
    with pytest.raises(RateLimited, match="too_many_attempts"):
        await guesser.throttle.admit_address(caller)
    assert await guesser.guess(address=ADDRESS) > 0


async def test_guesses_of_links_through_our_own_proxy_are_skipped(local: Guesser) -> None:
    before = SKIPPED._value.get()
    for _ in range(40):
        await local.throttle.admit_address(Caller("10.0.0.7"))
    await local.throttle.succeed_address(Caller("10.0.0.7"))
    assert SKIPPED._value.get() == before + 40
