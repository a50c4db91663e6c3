import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import NamedTuple

import pytest
from redis.asyncio import Redis
from redis.exceptions import RedisError

from chat_gateway.bus.outgoing import Message, Outgoing
from chat_gateway.bus.redis_link import LinkLost, Pace, RedisLink, connections
from chat_gateway.bus.subscriptions import Subscriptions
from shared.events import DOORBELL
from tests.faults import TcpProxy, eventually

PACE = Pace(beat_seconds=0.02, silence_seconds=0.3, connect_seconds=0.3)


class Ear:
    """Keeps what a link says."""

    def __init__(self) -> None:
        self.alive_count = 0
        self.messages: list[tuple[str, bytes]] = []
        self.confirmations: list[list[str]] = []
        self.rings = 0
        self.forwards: list[bytes] = []

    def alive(self) -> None:
        self.alive_count += 1

    def carried(self, channel: str, data: bytes) -> None:
        self.messages.append((channel, data))

    def confirmed(self, channels: Sequence[str]) -> None:
        self.confirmations.append(list(channels))

    def rung(self) -> None:
        self.rings += 1

    def forwarded(self, message: bytes) -> None:
        self.forwards.append(message)


class Lively(NamedTuple):
    link: RedisLink
    ear: Ear
    subscriptions: Subscriptions
    outgoing: Outgoing
    life: asyncio.Task[None]


@asynccontextmanager
async def living_link(url: str, *, instance: str = "i", pace: Pace = PACE) -> AsyncIterator[Lively]:
    ear, subscriptions, outgoing = Ear(), Subscriptions(), Outgoing(1 << 20)
    async with connections(url, pace) as (hearing, speaking):
        link = RedisLink(
            hearing,
            speaking,
            listener=ear,
            subscriptions=subscriptions,
            outgoing=outgoing,
            instance=instance,
            pace=pace,
            now=asyncio.get_running_loop().time,
        )
        life: asyncio.Task[None] = asyncio.create_task(link.live())
        try:
            yield Lively(link, ear, subscriptions, outgoing, life)
        finally:
            life.cancel()
            await asyncio.gather(life, return_exceptions=True)


async def why_it_ended(lively: Lively) -> BaseException:
    with pytest.raises(ExceptionGroup) as ended:
        async with asyncio.timeout(10):
            await lively.life
    return ended.value.exceptions[0]


@pytest.fixture
async def redis(valkey_url: str) -> AsyncIterator[Redis]:
    async with Redis.from_url(valkey_url) as client:
        yield client


async def test_the_canary_is_heard_again_and_again(valkey_url: str) -> None:
    async with living_link(valkey_url) as lively:
        await eventually(lambda: lively.ear.alive_count > 3)


async def test_another_instance_of_our_name_does_not_keep_a_link_alive(valkey_url: str, redis: Redis) -> None:
    async with living_link(valkey_url, instance="same", pace=PACE._replace(beat_seconds=100)) as lively:
        await eventually(lambda: lively.ear.alive_count == 1)
        await redis.spublish("parley:canary:same", b"0123456789abcdef 1.0")
        await redis.spublish("parley:canary:same", b"\xff")
        await redis.publish(DOORBELL, b"")
        await eventually(lambda: lively.ear.rings)
        assert lively.ear.alive_count == 1


async def test_silence_ends_the_link(proxy: TcpProxy, proxy_url: str) -> None:
    async with living_link(proxy_url) as lively:
        await eventually(lambda: lively.ear.alive_count)
        proxy.half_open()
        assert isinstance(await why_it_ended(lively), LinkLost)


async def test_a_cut_connection_ends_the_link(proxy: TcpProxy, proxy_url: str) -> None:
    async with living_link(proxy_url) as lively:
        await eventually(lambda: lively.ear.alive_count)
        proxy.cut()
        assert isinstance(await why_it_ended(lively), RedisError | OSError)


async def test_connecting_to_nobody_fails_and_to_a_silent_peer_times_out(proxy: TcpProxy, proxy_url: str) -> None:
    proxy.half_open()
    with pytest.raises((RedisError, TimeoutError)):
        async with connections(proxy_url, PACE):
            raise AssertionError
    proxy.cut()
    with pytest.raises(RedisError):
        async with connections(proxy_url, PACE):
            raise AssertionError


async def test_a_wrong_password_fails_the_connect(valkey_url: str) -> None:
    with pytest.raises(RedisError):
        async with connections(valkey_url.replace("redis://", "redis://nobody:wrong@"), PACE):
            raise AssertionError


async def test_a_link_that_was_given_up_passes_nothing_on(valkey_url: str, redis: Redis) -> None:
    async with living_link(valkey_url, pace=PACE._replace(beat_seconds=100)) as lively:
        await eventually(lambda: lively.ear.alive_count)
        lively.subscriptions.add("room:a")
        await eventually(lambda: lively.ear.confirmations)
        assert await redis.spublish("parley:room:a", b"1") == 1
        lively.link.give_up()
        assert isinstance(await why_it_ended(lively), LinkLost)
        assert lively.ear.messages == []


async def test_confirmations_come_by_the_hundred(valkey_url: str) -> None:
    async with living_link(valkey_url) as lively:
        for number in range(1000):
            lively.subscriptions.add(f"room:{number}")
        await eventually(lambda: sum(map(len, lively.ear.confirmations)) == 1000)
        assert len(lively.ear.confirmations) < 50


async def test_a_channel_dropped_meanwhile_is_not_confirmed(valkey_url: str) -> None:
    async with living_link(valkey_url) as lively:
        await eventually(lambda: lively.ear.alive_count)
        lively.subscriptions.add("room:c")
        await asyncio.sleep(0)
        lively.subscriptions.discard("room:c")
        lively.subscriptions.add("room:d")
        await eventually(lambda: any("room:d" in channels for channels in lively.ear.confirmations))
        assert not any("room:c" in channels for channels in lively.ear.confirmations)


async def test_messages_go_out_in_order_through_the_speaking_connection(valkey_url: str) -> None:
    async with living_link(valkey_url) as lively:
        lively.subscriptions.add("room:a")
        await eventually(lambda: lively.ear.confirmations)
        for number in range(300):
            lively.outgoing.put(Message("parley:room:a", str(number).encode()))
        await eventually(lambda: len(lively.ear.messages) == 300)
        assert lively.ear.messages == [("room:a", str(number).encode()) for number in range(300)]


async def test_a_server_that_lets_go_of_a_wanted_channel_is_asked_again(valkey_url: str) -> None:
    async with living_link(valkey_url) as lively:
        lively.subscriptions.add("room:a")
        await eventually(lambda: lively.ear.confirmations == [["room:a"]])
        # What a cluster sends by itself when a slot moves, played to the link: one server never does.
        lively.link._heard(b"sunsubscribe", b"parley:room:a", 0)
        await eventually(lambda: lively.ear.confirmations == [["room:a"], ["room:a"]])


async def test_the_inbox_of_an_instance_is_heard_from_the_start(valkey_url: str, redis: Redis) -> None:
    async with living_link(valkey_url, instance="me") as lively:
        await eventually(lambda: lively.ear.alive_count)
        assert await redis.spublish("parley:node:me", b"\xff1") == 1
        assert await redis.spublish("parley:node:you", b"2") == 0
        await eventually(lambda: lively.ear.forwards == [b"\xff1"])
        assert lively.ear.messages == []


async def test_who_waits_for_an_answer_hears_how_many_or_that_nobody_knows(proxy: TcpProxy, proxy_url: str) -> None:
    loop = asyncio.get_running_loop()
    async with living_link(proxy_url) as lively:
        await eventually(lambda: lively.ear.alive_count)
        heard, unknown = loop.create_future(), loop.create_future()
        lively.outgoing.put(Message("parley:node:i", b"1", heard))
        assert await heard == 1
        proxy.half_open()
        lively.outgoing.put(Message("parley:node:i", b"2", unknown))
        await asyncio.wait([unknown])
        assert unknown.cancelled()
