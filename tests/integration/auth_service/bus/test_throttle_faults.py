"""The throttle of several instances, and what it does when Redis is emptied, away, hanging or back."""

import asyncio
from urllib.parse import urlsplit

import pytest
from redis.asyncio import Redis

from auth_service.bus.throttle import BUSY, IN_PROCESS, MOST_WAITING
from auth_service.core.callers import Caller
from shared.errors import Unavailable
from tests.faults import tcp_proxy
from tests.integration.auth_service.bus.guesser import ADDRESS, PHONE, Make, patient


async def test_two_instances_count_together(make: Make, valkey_url: str) -> None:
    one, two = await patient(await make(valkey_url)), await make(valkey_url)
    await one.use_up(3)
    await two.use_up(2)
    assert await one.guess() > 0
    assert await two.guess() > 0


async def test_instance_on_a_cluster_counts_as_well(make: Make, cluster_url: str) -> None:
    one, two = await patient(await make(cluster_url)), await make(cluster_url)
    await one.use_up(5)
    assert await two.guess() > 0


async def test_redis_emptied_forgets_and_counts_on(make: Make, valkey_url: str) -> None:
    guesser = await patient(await make(valkey_url))
    await guesser.use_up(5)
    async with Redis.from_url(valkey_url) as redis:
        await redis.flushall()
    await patient(guesser)
    await guesser.use_up(5)
    assert await guesser.guess() > 0


async def test_nothing_in_redis_tells_who_it_is_about(make: Make, valkey_url: str) -> None:
    guesser = await make(valkey_url)
    await guesser.use_up(5)
    await guesser.guess(address=ADDRESS)
    async with Redis.from_url(valkey_url) as redis:
        keys = str(await redis.keys("parley:throttle:*"))
    assert "parley:throttle" in keys
    assert not any(clear in keys for clear in (guesser.account, "example.org", ADDRESS, "192.0.2.1", PHONE.hex()))


async def test_redis_that_hangs_costs_three_attempts_a_tenth_of_a_second_and_the_others_nothing(
    make: Make, silent_url: str
) -> None:
    guesser = await make(silent_url, 0.1)
    before = IN_PROCESS._value.get()
    async with asyncio.timeout(5):
        await guesser.use_up(5)
        assert await guesser.guess() == 1
    assert IN_PROCESS._value.get() == before + 6
    assert not guesser.throttle._breaker.lets_through()


async def test_parallel_guesses_while_redis_hangs_are_counted_all_the_same(make: Make, silent_url: str) -> None:
    guesser = await make(silent_url, 0.1)
    waits = await asyncio.gather(*(guesser.guess(address=f"203.0.113.{n}") for n in range(100)))
    assert sum(wait == 0 for wait in waits) == 5


async def test_flood_does_not_wait_without_bound_while_redis_hangs(make: Make, silent_url: str) -> None:
    """Each that waits holds its request: a stranger who sends faster than Redis answers must not fill our memory."""
    guesser = await make(silent_url, 0.1)
    before = BUSY._value.get()
    attempt = await guesser.throttle.admit("bob@example.org", Caller("192.0.2.9"), is_known_device=False)
    guesses = (guesser.guess(address=f"203.0.113.{n % 250}") for n in range(MOST_WAITING + 300))
    async with asyncio.timeout(10):
        *answers, told = await asyncio.gather(*guesses, guesser.throttle.succeed(attempt), return_exceptions=True)
    refused = [answer for answer in answers if isinstance(answer, Unavailable)]
    assert {(answer.code, answer.retry_after) for answer in refused} == {("busy", 2.0)}
    assert (len(refused), BUSY._value.get()) == (300, before + 300)
    assert sum(answer == 0 for answer in answers) == 5
    assert told is None, "what became of an attempt is heard whoever waits"
    assert await guesser.guess() > 0, "the places are free again"


@pytest.mark.parametrize("fault", ["cut", "half_open"])
async def test_throttle_goes_on_without_redis_and_back_to_it(make: Make, valkey_url: str, fault: str) -> None:
    port = urlsplit(valkey_url).port
    assert port is not None
    other = await patient(await make(valkey_url))
    async with tcp_proxy("127.0.0.1", port) as proxy:
        guesser = await make(f"redis://127.0.0.1:{proxy.port}/0", 0.5)
        await guesser.use_up(3)
        getattr(proxy, fault)()
        await guesser.use_up(2)
        assert await guesser.guess() == 1, "what was looked at before is not forgotten in process"
        proxy.heal()
        assert await guesser.guess() == 1, "five seconds have not passed: Redis is not asked yet"
        guesser.clock.now += 5
        await guesser.use_up(2)
        assert await guesser.guess() > 0
        assert await other.guess() > 0


async def test_success_is_noted_in_process_too(make: Make, valkey_url: str) -> None:
    port = urlsplit(valkey_url).port
    assert port is not None
    async with tcp_proxy("127.0.0.1", port) as proxy:
        guesser = await make(f"redis://127.0.0.1:{proxy.port}/0")
        await guesser.use_up(4)
        assert await guesser.guess(is_right=True) == 0
        proxy.cut()
        await guesser.use_up(5)
        assert await guesser.guess() == 1
