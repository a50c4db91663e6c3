import asyncio

import pytest

from chat_gateway.bus import redis_bus
from shared.errors import Unavailable
from tests.faults import TcpProxy
from tests.integration.chat_gateway.bus.conftest import RunBus


async def test_nothing_is_forwarded_while_redis_is_away(
    run_bus: RunBus, proxy: TcpProxy, proxy_url: str, valkey_url: str
) -> None:
    running, other = run_bus(proxy_url), run_bus(valkey_url)
    with pytest.raises(Unavailable):
        await running.bus.forward(other.name, b"before the first link")
    await running.receiver.until(lambda: running.receiver.rings)
    await other.receiver.until(lambda: other.receiver.rings)
    proxy.cut()
    with pytest.raises(Unavailable) as caught:
        await running.bus.forward(other.name, b"cut off")
    assert caught.value.retry_after == 1
    proxy.heal()
    await running.receiver.until(lambda: running.receiver.rings == 2)
    assert await running.bus.forward(other.name, b"back")
    await other.receiver.until(lambda: other.receiver.forwards == [b"back"])


async def test_a_forward_waits_no_longer_than_its_bound_and_no_longer_than_the_link(
    run_bus: RunBus, proxy: TcpProxy, proxy_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    running = run_bus(proxy_url)
    await running.receiver.until(lambda: running.receiver.rings)
    proxy.half_open()
    with monkeypatch.context() as patched:
        patched.setattr(redis_bus, "FORWARD_SECONDS", 0.01)
        with pytest.raises(Unavailable):
            await running.bus.forward(running.name, b"x")
    assert running.bus.healthy
    monkeypatch.setattr(redis_bus, "FORWARD_SECONDS", 3600)
    async with asyncio.timeout(5):
        with pytest.raises(Unavailable):
            await running.bus.forward(running.name, b"x")


async def test_a_forward_that_overflows_the_queue_is_refused(run_bus: RunBus, valkey_url: str) -> None:
    running = run_bus(valkey_url, queue_bytes=10_000)
    await running.receiver.until(lambda: running.receiver.rings)
    with pytest.raises(Unavailable):
        await running.bus.forward(running.name, b"x" * 10_000)


async def test_forwards_leave_room_for_batches(run_bus: RunBus, proxy: TcpProxy, proxy_url: str) -> None:
    running = run_bus(proxy_url)
    await running.receiver.until(lambda: running.receiver.rings)
    proxy.stall()
    large = b"x" * (redis_bus.FORWARD_BYTES // 2)
    waiting = [asyncio.create_task(running.bus.forward(running.name, large)) for _ in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(Unavailable):
        await running.bus.forward(running.name, b"x")
    proxy.heal()
    assert await asyncio.gather(*waiting) == [True, True]
    assert await running.bus.forward(running.name, large)
