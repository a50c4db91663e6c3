"""A bus within one process: for tests, and for a single gateway without Redis.

It keeps the contract of the Redis one, encoding and splitting included, and shares its promises: none about order.
"""

import asyncio

from typing_extensions import override

from chat_gateway.bus import wire
from chat_gateway.realtime.ports import Bus, BusReceiver
from chat_gateway.realtime.publication import Batch
from shared.errors import Unavailable


class MemoryExchange:
    """What several memory buses meet on."""

    def __init__(self) -> None:
        self._buses: set[MemoryBus] = set()

    def attach(self, bus: "MemoryBus") -> None:
        self._buses.add(bus)

    def detach(self, bus: "MemoryBus") -> None:
        self._buses.discard(bus)

    def send(self, channel: str, data: bytes) -> None:
        loop = asyncio.get_running_loop()
        for bus in self._buses:
            loop.call_soon(bus.carried, channel, data)

    def forward(self, node: str, message: bytes) -> bool:
        """Answer whether there is an instance of that name."""
        loop = asyncio.get_running_loop()
        owners = [bus for bus in self._buses if bus.instance == node]
        for bus in owners:
            loop.call_soon(bus.forwarded, message)
        return bool(owners)

    def ring(self) -> None:
        """Ring the doorbell of everybody."""
        loop = asyncio.get_running_loop()
        for bus in self._buses:
            loop.call_soon(bus.rung)


class MemoryBus(Bus):
    def __init__(self, exchange: MemoryExchange, *, receiver: BusReceiver, instance: str = "gateway") -> None:
        self.instance = instance
        self._exchange, self._receiver = exchange, receiver
        self._wanted: set[str] = set()
        self._closed = asyncio.Event()
        self._healthy = False

    @property
    def healthy(self) -> bool:
        return self._healthy

    @override
    def publish(self, batch: Batch) -> None:
        for data in wire.encode(batch):
            self._exchange.send(batch.channel, data)

    @override
    def subscribe(self, channel: str) -> None:
        self._wanted.add(channel)
        if self._healthy:
            asyncio.get_running_loop().call_soon(self._confirm, channel)

    @override
    def unsubscribe(self, channel: str) -> None:
        self._wanted.discard(channel)

    @override
    async def forward(self, node: str, message: bytes) -> bool:
        if not self._healthy:
            raise Unavailable("unavailable", "Instances cannot reach each other now; try again.", retry_after=1)
        return self._exchange.forward(node, message)

    async def run(self) -> None:
        """Be on the exchange until `close` or cancellation."""
        self._exchange.attach(self)
        self._healthy = True
        try:
            if self._wanted:
                self._receiver.confirmed(sorted(self._wanted))
            self._receiver.rung()
            await self._closed.wait()
        finally:
            self._healthy = False
            self._exchange.detach(self)

    async def close(self) -> None:
        self._closed.set()

    def carried(self, channel: str, data: bytes) -> None:
        if channel in self._wanted and self._healthy:
            self._receiver.received(wire.decode(data))

    def rung(self) -> None:
        if self._healthy:
            self._receiver.rung()

    def forwarded(self, message: bytes) -> None:
        if self._healthy:
            self._receiver.forwarded(message)

    def _confirm(self, channel: str) -> None:
        if channel in self._wanted and self._healthy:
            self._receiver.confirmed([channel])
