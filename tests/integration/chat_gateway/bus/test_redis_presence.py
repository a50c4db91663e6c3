"""Rolls in a real Redis."""

from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from chat_gateway.bus.redis_presence import INSTANCES, RedisRolls
from chat_gateway.core.ids import UserId
from chat_gateway.core.online import Roll
from shared.errors import Unavailable
from tests.faults import TcpProxy

ANN, BOB, CY = UserId("ann"), UserId("bob"), UserId("cy")


@pytest.fixture
async def redis(valkey_url: str) -> AsyncIterator[Redis]:
    async with Redis.from_url(f"{valkey_url.removesuffix('/0')}/6", decode_responses=True) as client:
        await client.flushdb()
        yield client


@pytest.fixture
async def rolls(redis: Redis, valkey_url: str) -> AsyncIterator[RedisRolls]:
    opened = RedisRolls(f"{valkey_url.removesuffix('/0')}/6", ttl_seconds=60.0)
    yield opened
    await opened.aclose()


def people(roll: Roll | None) -> tuple[int, set[UserId]]:
    assert roll is not None
    return roll.seq, set(roll.users)


async def test_a_roll_is_read_as_it_was_written(rolls: RedisRolls) -> None:
    await rolls.write("g1", 3, [ANN, BOB])
    roll = await rolls.read("g1")
    assert people(roll) == (3, {ANN, BOB})
    assert roll is not None
    assert 59 < roll.ttl_seconds <= 60
    await rolls.write("g1", 4, [])
    assert people(await rolls.read("g1")) == (4, set())


async def test_a_roll_that_is_not_there_is_none(rolls: RedisRolls) -> None:
    assert await rolls.read("g1") is None


async def test_a_change_follows_the_one_before(rolls: RedisRolls) -> None:
    await rolls.write("g1", 1, [ANN, BOB])
    assert await rolls.change("g1", 2, [CY], [ANN])
    assert await rolls.change("g1", 3, [], [])
    assert people(await rolls.read("g1")) == (3, {BOB, CY})


async def test_a_change_of_a_roll_that_was_lost_says_so(rolls: RedisRolls, redis: Redis) -> None:
    await rolls.write("g1", 5, [ANN])
    await redis.flushdb()
    assert not await rolls.change("g1", 6, [BOB], [])
    await rolls.write("g1", 7, [ANN, BOB])
    assert people(await rolls.read("g1")) == (7, {ANN, BOB})


async def test_every_change_lets_the_roll_run_out_anew(rolls: RedisRolls, redis: Redis) -> None:
    await rolls.write("g1", 1, [ANN])
    await redis.pexpire("parley:presence:g1", 5_000)
    await rolls.change("g1", 2, [BOB], [])
    assert await redis.pttl("parley:presence:g1") > 55_000


async def test_all_rolls_are_read_and_those_that_ran_out_are_forgotten(rolls: RedisRolls, redis: Redis) -> None:
    await rolls.write("g1", 1, [ANN])
    await rolls.write("g2", 1, [BOB])
    await redis.delete("parley:presence:g2")  # as running out does
    found = await rolls.read_all()
    assert {instance: people(roll) for instance, roll in found.items()} == {"g1": (1, {ANN})}
    assert await redis.smembers(INSTANCES) == {"g1"}
    assert set(await rolls.read_all()) == {"g1"}


async def test_an_instance_that_leaves_has_its_roll_for_a_while(rolls: RedisRolls, redis: Redis) -> None:
    await rolls.write("g1", 1, [ANN])
    await rolls.leave("g1", 15.0)
    assert 10_000 < await redis.pttl("parley:presence:g1") <= 15_000


async def test_a_redis_that_is_away_or_says_nothing_is_unavailable(
    rolls: RedisRolls, proxy: TcpProxy, proxy_url: str
) -> None:
    cut_off = RedisRolls(proxy_url, ttl_seconds=60.0, patience_seconds=0.1)
    await cut_off.write("g9", 1, [ANN])
    proxy.stall()
    with pytest.raises(Unavailable):
        await cut_off.read("g9")
    proxy.heal()
    assert people(await cut_off.read("g9")) == (1, {ANN})
    proxy.cut()
    for asked in (
        cut_off.read_all(),
        cut_off.write("g9", 2, []),
        cut_off.change("g9", 2, [], []),
        cut_off.leave("g9", 1),
    ):
        with pytest.raises(Unavailable):
            await asked
    await cut_off.aclose()
