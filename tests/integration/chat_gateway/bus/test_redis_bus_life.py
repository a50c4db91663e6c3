"""How a bus lives on when its receiver, its owner or its link fails it, and how it ends."""

import asyncio
import time

import pytest
import structlog
from typing_extensions import override

from chat_gateway.bus.redis_bus import RedisBus
from tests.contracts import RecordingReceiver, batch
from tests.faults import TcpProxy, eventually, free_port
from tests.integration.chat_gateway.bus.conftest import RunBus, hears_again


async def test_discarding_drops_both_directions_and_confirms_all_again(run_bus: RunBus, valkey_url: str) -> None:
    running = run_bus(valkey_url)
    running.bus.discard()
    running.bus.subscribe("room:a")
    await hears_again(running, 1)
    running.bus.publish(batch("room:a", 1))
    running.bus.discard()
    await hears_again(running, 2)
    running.bus.publish(batch("room:a", 2))
    await running.receiver.until(lambda: running.receiver.batches)
    assert running.receiver.offsets("room:a") == [2]


async def test_a_fault_in_the_receiver_costs_a_link_and_no_bus(valkey_url: str) -> None:
    class Faulty(RecordingReceiver):
        @override
        def rung(self) -> None:
            super().rung()
            if self.rings == 1:
                raise RuntimeError("a bug")

    receiver = Faulty()
    bus = RedisBus(valkey_url, receiver=receiver, instance="i", back_off_seconds=(0.01, 0.1))
    with structlog.testing.capture_logs() as logs:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(bus.run())
            await receiver.until(lambda: receiver.rings == 2)
            await bus.close()
    assert [line["event"] for line in logs] == ["bus.broken", "bus.link_up"]


async def test_closing_leaves_no_connection(proxy: TcpProxy, proxy_url: str) -> None:
    receiver = RecordingReceiver()
    bus = RedisBus(proxy_url, receiver=receiver, instance="i")
    await bus.close()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(bus.run())
        await receiver.until(lambda: receiver.rings)
        assert proxy.open_connections == 2
        await bus.close()
    await eventually(lambda: proxy.open_connections == 0)


async def test_a_cancelled_run_ends_and_leaves_no_connection(proxy: TcpProxy, proxy_url: str) -> None:
    receiver = RecordingReceiver()
    bus = RedisBus(proxy_url, receiver=receiver, instance="i")
    task = asyncio.create_task(bus.run())
    await receiver.until(lambda: receiver.rings)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not bus.healthy
    await eventually(lambda: proxy.open_connections == 0)


async def test_closing_at_the_very_moment_the_link_fails_ends_all_the_same(proxy: TcpProxy, proxy_url: str) -> None:
    async def close_that_late(turns: int) -> None:
        bus = RedisBus(proxy_url, receiver=RecordingReceiver(), instance="i", back_off_seconds=(0.001, 0.001))
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(bus.run())
            await eventually(lambda: bus.healthy)
            bus.discard()
            for _ in range(turns):
                await asyncio.sleep(0)
            async with asyncio.timeout(5):
                await bus.close()

    for turns in range(12):
        await close_that_late(turns)
    await eventually(lambda: proxy.open_connections == 0)


async def test_back_off_starts_over_after_a_link_that_lasted(run_bus: RunBus, proxy: TcpProxy, proxy_url: str) -> None:
    running = run_bus(proxy_url, back_off_seconds=(0.01, 0.02))
    proxy.cut()
    await eventually(lambda: proxy.connections_refused > 3)
    proxy.heal()
    running.bus.subscribe("room:a")
    await hears_again(running, 1)
    lived_until = time.monotonic() + 0.05
    await eventually(lambda: time.monotonic() > lived_until)
    proxy.cut()
    proxy.heal()
    await hears_again(running, 2)


async def test_a_flush_waits_until_everything_before_it_is_sent(run_bus: RunBus, valkey_url: str) -> None:
    one, other = run_bus(valkey_url), run_bus(valkey_url)
    other.bus.subscribe("room:a")
    await hears_again(other, 1)
    await one.receiver.until(lambda: one.bus.healthy)
    for offset in range(1, 101):
        one.bus.publish(batch("room:a", offset))
    await one.bus.flush()
    await one.bus.close()
    await other.receiver.until(lambda: len(other.receiver.batches) == 100)


async def test_a_flush_without_a_link_waits_for_nothing(run_bus: RunBus) -> None:
    running = run_bus(f"redis://127.0.0.1:{free_port()}/0")
    running.bus.publish(batch("room:a", 1))
    await running.bus.flush(seconds=60)
    assert not running.bus.healthy
