"""The doorbell: tells the gateways by Redis that the changes feed has news; it carries nothing and may get lost.

`ring` returns at once whatever Redis does; one owned task publishes, many rings in a row are one. A gateway that missed
it looks by itself within seconds.
"""

import asyncio

import structlog
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from shared.events import DOORBELL

_PUBLISH_SECONDS = 1.0


class Doorbell:
    """`run` is awaited by its owner for as long as the service lives; `ring` may be called from any of its tasks."""

    def __init__(self, redis_url: str) -> None:
        self._redis: Redis = Redis.from_url(
            redis_url,
            socket_connect_timeout=_PUBLISH_SECONDS,
            socket_timeout=_PUBLISH_SECONDS,
            retry=Retry(NoBackoff(), 1),
        )
        self._rung = asyncio.Event()

    def ring(self) -> None:
        self._rung.set()

    async def run(self) -> None:
        while True:
            await self._rung.wait()
            # Cleared before publishing: who rings meanwhile is published again.
            self._rung.clear()
            await self._publish()

    async def close(self) -> None:
        """Publish what was rung and not yet heard, within a second; call it once `run` has ended."""
        if self._rung.is_set():
            await self._publish()
        await self._redis.aclose()

    async def _publish(self) -> None:
        try:
            async with asyncio.timeout(_PUBLISH_SECONDS):
                await self._redis.publish(DOORBELL, b"")
        except (RedisError, OSError, TimeoutError) as error:
            structlog.get_logger(__name__).warning("doorbell.unheard", error=type(error).__name__)
