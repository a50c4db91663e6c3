import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest
from redis.asyncio import Redis

from auth_service.bus.doorbell import Doorbell
from shared.events import DOORBELL


@asynccontextmanager
async def running(url: str) -> AsyncIterator[Doorbell]:
    doorbell = Doorbell(url)
    task = asyncio.create_task(doorbell.run())
    try:
        yield doorbell
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def test_ring_is_heard_and_carries_nothing(valkey_url: str) -> None:
    async with Redis.from_url(valkey_url) as redis, redis.pubsub() as listener, running(valkey_url) as doorbell:
        await listener.subscribe(DOORBELL)
        assert (await listener.get_message(timeout=5)) is not None
        doorbell.ring()
        heard = await listener.get_message(ignore_subscribe_messages=True, timeout=5)
    assert heard is not None
    assert (heard["channel"], heard["data"]) == (DOORBELL.encode(), b"")


@pytest.fixture
async def silent_url() -> AsyncIterator[str]:
    """A server that takes the connection and never answers: the worst way of being away."""
    writers: list[asyncio.StreamWriter] = []
    server = await asyncio.start_server(lambda _reader, writer: writers.append(writer), "127.0.0.1", 0)
    yield f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}/0"
    for writer in writers:
        writer.close()
        await writer.wait_closed()
    server.close()
    await server.wait_closed()


async def test_redis_that_hangs_is_given_up_and_rung_again_later(silent_url: str) -> None:
    async with running(silent_url) as doorbell:
        doorbell.ring()
        async with asyncio.timeout(5):
            await doorbell._publish()
        doorbell.ring()
        assert doorbell._rung.is_set()


async def test_redis_that_is_not_there_is_no_error() -> None:
    doorbell = Doorbell("redis://127.0.0.1:1/0")
    await doorbell._publish()
    await doorbell._redis.aclose()
