"""The rolls of who is online, as Redis keeps them for all instances: one hash an instance, which runs out.

The hash holds the instance's people and, under the empty name, how many changes it has had; so a roll that was read and
the changes that follow it fit together. A roll is changed before the change is told to others.
"""

import asyncio
from collections.abc import Collection
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from chat_gateway.core.ids import UserId
from chat_gateway.core.online import Roll
from shared.errors import Unavailable

INSTANCES = "parley:presences"
"""A set: the instances that may have a roll."""

_SEQ = ""


class RedisRolls:
    """Methods raise Unavailable where Redis does not answer, and then may or may not have done their work."""

    def __init__(self, url: str, *, ttl_seconds: float, patience_seconds: float = 2.0) -> None:
        self._ttl_ms = int(ttl_seconds * 1000)
        self._patience_seconds = patience_seconds
        # Tried once: a change that is made twice would count twice.
        self._redis = Redis.from_url(
            url,
            protocol=2,
            decode_responses=True,
            socket_timeout=patience_seconds,
            socket_connect_timeout=patience_seconds,
            retry=Retry(NoBackoff(), 0),
        )

    async def write(self, instance: str, seq: int, users: Collection[UserId]) -> None:
        """Write the whole roll, and let it run out anew."""
        key = _key(instance)
        await self._together(
            ("DEL", key),
            ("HSET", key, _SEQ, seq, *_fields(users)),
            ("PEXPIRE", key, self._ttl_ms),
        )
        await self._together(("SADD", INSTANCES, instance))

    async def change(self, instance: str, seq: int, on: Collection[UserId], off: Collection[UserId]) -> bool:
        """Change the roll, and let it run out anew. False where it was not the one before `seq`: write it whole."""
        key = _key(instance)
        commands: list[tuple[str | int, ...]] = [("HINCRBY", key, _SEQ, 1), ("PEXPIRE", key, self._ttl_ms)]
        if on:
            commands.append(("HSET", key, *_fields(on)))
        if off:
            commands.append(("HDEL", key, *off))
        return bool((await self._together(*commands))[0] == seq)

    async def read(self, instance: str) -> Roll | None:
        """None where there is no such roll, or where it has run out."""
        key = _key(instance)
        held, left_ms = await self._together(("HGETALL", key), ("PTTL", key))
        if left_ms <= 0:
            return None
        return Roll(int(held.pop(_SEQ, 0)), frozenset(map(UserId, held)), left_ms / 1000)

    async def read_all(self) -> dict[str, Roll]:
        """Read every roll there is; forgets instances that are gone."""
        (instances,) = await self._together(("SMEMBERS", INSTANCES))
        rolls = {instance: await self.read(instance) for instance in instances}
        gone = [instance for instance, roll in rolls.items() if roll is None]
        if gone:
            await self._together(("SREM", INSTANCES, *gone))
        return {instance: roll for instance, roll in rolls.items() if roll is not None}

    async def leave(self, instance: str, seconds: float) -> None:
        """Let the roll run out this soon."""
        await self._together(("PEXPIRE", _key(instance), int(seconds * 1000)))

    async def aclose(self) -> None:
        await self._redis.aclose()

    async def _together(self, *commands: tuple[str | int, ...]) -> list[Any]:
        """Run commands about one key as one; nothing comes in between."""
        try:
            async with asyncio.timeout(self._patience_seconds), self._redis.pipeline(transaction=True) as pipe:
                for command in commands:
                    pipe.execute_command(*command)
                return await pipe.execute()
        except (RedisError, OSError, TimeoutError) as error:
            raise Unavailable("unavailable", "Redis does not answer now; try again.", retry_after=1) from error


def _key(instance: str) -> str:
    return f"parley:presence:{instance}"


def _fields(users: Collection[UserId]) -> list[str]:
    return [part for user in users for part in (user, "")]
