"""The presence of one instance, with a bus and rolls on a real Redis, the store's memberships and short times."""

import asyncio
import json
from collections.abc import Callable, Sequence
from typing import Any, Self

from chat_gateway.bus.redis_bus import RedisBus
from chat_gateway.bus.redis_link import Pace
from chat_gateway.bus.redis_presence import RedisRolls
from chat_gateway.presence.exchange import Times
from chat_gateway.presence.presence import UserPresence
from chat_gateway.protocol.frames import ClientInfo
from chat_gateway.realtime.publication import Batch
from chat_gateway.store.memberships import Memberships
from tests.builders import user
from tests.integration.chat_gateway.bus.conftest import QUICK

QUICK_TIMES = Times(refresh=0.4, ttl=1.0, batch=0.01, grace=0.1, step=0.005)


class Part:
    """Ask for one within `async with`, which runs it; `kill` ends it without a goodbye, `stop` with one."""

    def __init__(
        self,
        name: str,
        memberships: Memberships,
        redis: str,
        *,
        monotonic: Callable[[], float] | None = None,
        deliver: Callable[[Batch], None] | None = None,
        times: Times = QUICK_TIMES,
        pace: Pace = QUICK,
    ) -> None:
        self.name = name
        self.rolls = RedisRolls(redis, ttl_seconds=times.ttl, patience_seconds=0.5)
        self.presence = UserPresence(
            memberships,
            self.rolls,
            instance=name,
            monotonic=monotonic or asyncio.get_running_loop().time,
            times=times,
        )
        self.bus = RedisBus(redis, receiver=self, instance=name, pace=pace, back_off_seconds=(0.01, 0.1))
        self.presence.carried_by(self.bus, deliver or self._keep)
        self.is_deaf = False  # the bus loses whatever it brings
        self.confirmations: set[str] = set()
        self.told: list[tuple[str, dict[str, Any]]] = []
        self._tasks: list[asyncio.Task[None]] = []

    def received(self, batch: Batch) -> None:
        if not self.is_deaf:
            self.presence.received(batch)

    def confirmed(self, channels: Sequence[str]) -> None:
        self.confirmations.update(channels)
        self.presence.confirmed(channels)

    def rung(self) -> None: ...

    def forwarded(self, message: bytes) -> None: ...

    async def __aenter__(self) -> Self:
        self._tasks = [asyncio.create_task(part.run()) for part in (self.bus, self.presence)]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.kill()

    async def kill(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.rolls.aclose()

    async def stop(self) -> None:
        await self.presence.leave()
        await self.bus.flush()
        await self.kill()

    def connect(self, *users: str) -> None:
        for one in users:
            self.presence.connected(ClientInfo(one, f"client of {one}"))

    def disconnect(self, *users: str) -> None:
        for one in users:
            self.presence.disconnected(ClientInfo(one, f"client of {one}"))

    def look(self, room: str) -> None:
        """Let somebody look at the room."""
        self.presence.joined(f"live:{room}", ClientInfo("ann", "a looking client"))

    def look_away(self, room: str) -> None:
        self.presence.left(f"live:{room}", ClientInfo("ann", "a looking client"))

    async def online(self, room: str, viewer: str = "ann") -> list[str]:
        return sorted((await self.presence.of(user(viewer), f"room:{room}")).clients)

    @property
    def is_known(self) -> bool:
        return self.presence._exchange.is_known  # there is nothing to hear it by without asking the database

    def carries(self, channel: str) -> bool:
        """Whether the bus has begun to bring what is sent there."""
        return channel in self.confirmations

    def says(self, kind: str) -> list[dict[str, Any]]:
        """What was told of this kind on any room's live channel."""
        return [told for _, told in self.told if told["type"] == kind]

    def named(self, which: str) -> set[str]:
        """Everybody ever told to be `online` or `offline`."""
        return {one for told in self.says("presence.changed") for one in told[which]}

    def _keep(self, batch: Batch) -> None:
        self.told += [(batch.channel, json.loads(publication.data)) for publication in batch.publications]
