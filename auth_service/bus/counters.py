"""Counters that forget: what the throttle counts with, shared in Redis or in this process.

Each step is atomic by itself and of one key, so that it works on a cluster. A counter's life begins with its first
count; later ones do not prolong it.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final, Protocol, cast
from urllib.parse import urlsplit

from limits.aio.storage import RedisClusterStorage, RedisStorage
from limits.aio.storage.redis.redispy import RedispyBridge
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisClusterException, RedisError

ERRORS = (RedisError, RedisClusterException, OSError, TimeoutError)
"""What a step ends with when Redis is to blame and not the code."""

_PREFIX = "parley:throttle"
_CLIENT: Final = "redispy"
_CONNECT_SECONDS = 1.0
_MOST_LOCAL = 50_000


class Counters(Protocol):
    async def add(self, key: str, *, seconds: int, amount: int = 1) -> int:
        """The count after it; a counter that was not there, or had nothing left, lives so many seconds."""

    async def value(self, key: str) -> int:
        """0 where there is none."""

    async def remaining(self, key: str) -> float:
        """Seconds of its life that are left, 0 where there is none."""

    async def clear(self, *keys: str) -> None: ...

    async def close(self) -> None: ...


class RedisCounters:
    """In Redis, by the `limits` library. Raises ERRORS; its caller bounds the time."""

    def __init__(self, url: str) -> None:
        self._storage = _storage(url)
        bridge: RedispyBridge = cast("RedispyBridge", self._storage.bridge)
        self._client = cast("Redis", bridge.get_connection())

    async def add(self, key: str, *, seconds: int, amount: int = 1) -> int:
        return await self._storage.incr(key, seconds, amount)

    async def value(self, key: str) -> int:
        return await self._storage.get(key)

    async def remaining(self, key: str) -> float:
        # Not the library's get_expiry: it rounds 1.4 s to 1, and who came back then would be refused again.
        milliseconds: int = await self._client.pttl(self._storage.bridge.prefixed_key(key))
        return max(milliseconds, 0) / 1000

    async def clear(self, *keys: str) -> None:
        await asyncio.gather(*(self._storage.clear(key) for key in keys))

    async def close(self) -> None:
        await self._client.aclose()


class LocalCounters:
    """In this process, at most so many: above it the oldest is forgotten.

    Not the library's MemoryStorage: that one looks through all of its keys at every count, and has no bound.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic, most: int = _MOST_LOCAL) -> None:
        self._clock, self._most = clock, most
        self._counts: OrderedDict[str, tuple[int, float]] = OrderedDict()
        """By key its count and when its life ends."""

    async def add(self, key: str, *, seconds: int, amount: int = 1) -> int:
        count, end = self._counts.pop(key, (0, 0.0))
        now = self._clock()
        self._counts[key] = (count + amount, end) if count and end > now else (amount, now + seconds)
        if len(self._counts) > self._most:
            self._counts.popitem(last=False)
        return self._counts[key][0]

    async def value(self, key: str) -> int:
        count, end = self._counts.get(key, (0, 0.0))
        return count if end > self._clock() else 0

    async def remaining(self, key: str) -> float:
        _, end = self._counts.get(key, (0, 0.0))
        return max(end - self._clock(), 0.0)

    async def clear(self, *keys: str) -> None:
        for key in keys:
            self._counts.pop(key, None)

    async def close(self) -> None:
        self._counts.clear()


def _storage(url: str) -> RedisStorage:
    """Connects when it is first used. `redis+cluster://` and `rediss+cluster://` name nodes of a cluster."""
    scheme = urlsplit(url).scheme
    # At once: a connection that a restart of Redis has closed is replaced.
    retry = Retry(NoBackoff(), 1)
    if scheme.endswith("+cluster"):
        return RedisClusterStorage(
            url,
            implementation=_CLIENT,
            key_prefix=_PREFIX,
            socket_connect_timeout=_CONNECT_SECONDS,
            retry=retry,  # type: ignore[arg-type] # passed on to the client as it is
            ssl=scheme.startswith("rediss"),
        )
    return RedisStorage(
        # The library takes any other name than these two for Valkey's own client.
        f"redis+{url}" if scheme == "unix" else url,
        implementation=_CLIENT,
        key_prefix=_PREFIX,
        socket_connect_timeout=_CONNECT_SECONDS,
        retry=retry,  # type: ignore[arg-type] # the same
    )
