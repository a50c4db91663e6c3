import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

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
        await doorbell.close()


async def test_ring_is_heard_and_carries_nothing(valkey_url: str) -> None:
    async with Redis.from_url(valkey_url) as redis, redis.pubsub() as listener, running(valkey_url) as doorbell:
        await listener.subscribe(DOORBELL)
        assert (await listener.get_message(timeout=5)) is not None
        doorbell.ring()
        heard = await listener.get_message(ignore_subscribe_messages=True, timeout=5)
    assert heard is not None
    assert (heard["channel"], heard["data"]) == (DOORBELL.encode(), b"")


async def test_redis_that_hangs_is_given_up_and_rung_again_later(silent_url: str) -> None:
    async with running(silent_url) as doorbell:
        doorbell.ring()
        async with asyncio.timeout(5):
            await doorbell._publish()


async def test_redis_that_is_not_there_is_no_error() -> None:
    doorbell = Doorbell("redis://127.0.0.1:1/0")
    await doorbell._publish()
    await doorbell._redis.aclose()


async def test_ring_that_nobody_published_yet_is_published_at_the_end(valkey_url: str) -> None:
    async with Redis.from_url(valkey_url) as redis, redis.pubsub() as listener:
        await listener.subscribe(DOORBELL)
        assert (await listener.get_message(timeout=5)) is not None
        doorbell = Doorbell(valkey_url)
        doorbell.ring()
        await doorbell.close()
        assert await listener.get_message(ignore_subscribe_messages=True, timeout=5) is not None
