"""Instances of the engine on one bus, as app.py joins them."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from chat_gateway.bus.memory_bus import MemoryBus, MemoryExchange
from chat_gateway.realtime.publication import Batch
from tests.clients import Instance
from tests.fakes import MemoryLog, OpenChannels


class OnBus:
    def __init__(self, log: MemoryLog, exchange: MemoryExchange) -> None:
        self.instance = Instance(OpenChannels(log))
        self.bus = MemoryBus(exchange, receiver=self)
        self.instance.engine.carried_by(self.bus)
        self.instance.application.committed = self.instance.engine.committed

    def received(self, batch: Batch) -> None:
        self.instance.hub.received(batch)

    def confirmed(self, channels: Sequence[str]) -> None:
        self.instance.hub.confirmed(channels)

    def rung(self) -> None: ...

    def forwarded(self, message: bytes) -> None: ...

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Instance]:
        async with self.instance, asyncio.TaskGroup() as tasks:
            task = tasks.create_task(self.bus.run())
            yield self.instance
            task.cancel()
