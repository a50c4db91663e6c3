import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeAlias

import pytest
from redis.asyncio import Redis, RedisCluster
from redis.asyncio.connection import SSLConnection

from auth_service.bus.counters import ERRORS, Counters, LocalCounters, RedisCounters
from tests.integration.auth_service import waiting

Pass: TypeAlias = Callable[[float], Awaitable[None]]
"""Lets so many seconds pass for all counters."""


class Case:
    """Counters of one kind, with keys of the test's own."""

    def __init__(self, counters: Counters, let_pass: Pass) -> None:
        self.counters, self.let_pass = counters, let_pass
        self.key, self.other = secrets.token_hex(), secrets.token_hex()


@pytest.fixture(params=["redis", "cluster", "local"])
async def case(request: pytest.FixtureRequest) -> AsyncIterator[Case]:
    if request.param == "local":
        now = [1000.0]

        async def let_pass(seconds: float) -> None:
            now[0] += seconds

        counters: Counters = LocalCounters(lambda: now[0])
        yield Case(counters, let_pass)
    else:
        url: str = request.getfixturevalue("valkey_url" if request.param == "redis" else "cluster_url")
        counters = RedisCounters(url)
        redis = Redis.from_url(url) if request.param == "redis" else RedisCluster.from_url(url.replace("+cluster", ""))
        async with redis:
            yield Case(counters, lambda seconds: waiting.let_pass(redis, seconds))
    await counters.close()


async def test_counter_that_is_not_there_counts_nothing_and_has_no_life_left(case: Case) -> None:
    assert await case.counters.value(case.key) == 0
    assert await case.counters.remaining(case.key) == 0
    await case.counters.clear(case.key)


async def test_each_count_answers_what_it_made(case: Case) -> None:
    assert [await case.counters.add(case.key, seconds=60) for _ in range(3)] == [1, 2, 3]
    assert await case.counters.add(case.key, seconds=60, amount=-1) == 2
    assert await case.counters.value(case.key) == 2
    assert await case.counters.value(case.other) == 0


async def test_parallel_counts_all_count(case: Case) -> None:
    counts = await asyncio.gather(*(case.counters.add(case.key, seconds=60) for _ in range(50)))
    assert sorted(counts) == list(range(1, 51))


async def test_first_count_begins_its_life_and_later_ones_do_not_prolong_it(case: Case) -> None:
    await case.counters.add(case.key, seconds=60)
    await case.let_pass(59)
    assert await case.counters.add(case.key, seconds=60) == 2
    assert 0 < await case.counters.remaining(case.key) <= 1
    await case.let_pass(1)
    assert await case.counters.value(case.key) == 0
    assert await case.counters.add(case.key, seconds=60) == 1


async def test_counter_with_nothing_left_begins_a_new_life(case: Case) -> None:
    await case.counters.add(case.key, seconds=60)
    await case.let_pass(30)
    await case.counters.add(case.key, seconds=60, amount=-1)
    await case.counters.add(case.key, seconds=60)
    assert 40 < await case.counters.remaining(case.key) <= 60


async def test_what_is_left_of_its_life_is_told_in_parts_of_a_second(case: Case) -> None:
    await case.counters.add(case.key, seconds=3)
    await case.let_pass(1.6)
    assert 1.0 < await case.counters.remaining(case.key) <= 1.4


async def test_cleared_counters_begin_anew_and_others_stay(case: Case) -> None:
    for key in (case.key, case.other, case.key + "!"):
        await case.counters.add(key, seconds=60)
    await case.counters.clear(case.key, case.other)
    assert [await case.counters.value(key) for key in (case.key, case.other, case.key + "!")] == [0, 0, 1]


async def test_local_counters_are_bounded_and_forget_the_oldest() -> None:
    counters = LocalCounters(lambda: 1000.0, most=3)
    for key in "abcad":
        await counters.add(key, seconds=60)
    assert [await counters.value(key) for key in "abcd"] == [2, 0, 1, 1]


@pytest.mark.parametrize("url", ["redis://127.0.0.1:1/0", "redis+cluster://127.0.0.1:1", "unix:///nobody.sock"])
async def test_server_that_is_not_there_is_an_error_that_is_known(url: str) -> None:
    counters = RedisCounters(url)
    with pytest.raises(ERRORS):
        await counters.add("key", seconds=60)
    await counters.close()


async def test_encryption_is_understood() -> None:
    single, cluster = RedisCounters("rediss://127.0.0.1:1/0"), RedisCounters("rediss+cluster://127.0.0.1:1")
    assert single._client.connection_pool.connection_class is SSLConnection
    kwargs: dict[str, object] = cluster._client.connection_kwargs  # type: ignore[attr-defined] # it is a RedisCluster
    assert kwargs["connection_class"] is SSLConnection
    await single.close()
    await cluster.close()
