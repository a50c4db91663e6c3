"""Buses on the session's Valkey, directly or through a proxy that a test can break."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import NamedTuple
from urllib.parse import urlsplit

import pytest

from chat_gateway.bus.redis_bus import RedisBus
from chat_gateway.bus.redis_link import Pace
from tests.contracts import RecordingReceiver
from tests.faults import TcpProxy, tcp_proxy

QUICK = Pace(beat_seconds=0.02, silence_seconds=0.5, connect_seconds=0.5)
"""As in production, but a test that waits for the canary's silence takes half a second."""


class RunningBus(NamedTuple):
    bus: RedisBus
    receiver: RecordingReceiver
    name: str


RunBus = Callable[..., RunningBus]


async def hears_again(running: RunningBus, confirmations: int, channel: str = "room:a") -> None:
    """Wait until the bus is up and has confirmed the channel that often."""
    await running.receiver.until(
        lambda: running.receiver.confirmations.count(channel) >= confirmations and running.bus.healthy
    )


@pytest.fixture
async def run_bus() -> AsyncIterator[RunBus]:
    """Make and run a bus; it is closed at the end of the test."""
    buses: list[RedisBus] = []
    async with asyncio.TaskGroup() as tasks:

        def run(
            url: str,
            *,
            pace: Pace = QUICK,
            queue_bytes: int = 8 << 20,
            back_off_seconds: tuple[float, float] = (0.01, 0.1),
        ) -> RunningBus:
            receiver, name = RecordingReceiver(), f"i{len(buses)}"
            bus = RedisBus(
                url,
                receiver=receiver,
                instance=name,
                pace=pace,
                back_off_seconds=back_off_seconds,
                queue_bytes=queue_bytes,
            )
            buses.append(bus)
            tasks.create_task(bus.run())
            return RunningBus(bus, receiver, name)

        yield run
        for bus in buses:
            await bus.close()


@pytest.fixture
async def proxy(valkey_url: str) -> AsyncIterator[TcpProxy]:
    parts = urlsplit(valkey_url)
    assert parts.hostname
    assert parts.port
    async with tcp_proxy(parts.hostname, parts.port) as running:
        yield running


@pytest.fixture
def proxy_url(proxy: TcpProxy) -> str:
    return f"redis://127.0.0.1:{proxy.port}/0"
