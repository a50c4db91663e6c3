import asyncio
from collections.abc import AsyncIterator

import pytest

from chat_gateway.bus.memory_bus import MemoryBus, MemoryExchange
from shared.errors import Unavailable
from tests.contracts import BusContract, BusUnderTest, Open, RecordingReceiver, Ring, batch


@pytest.fixture
def exchange() -> MemoryExchange:
    return MemoryExchange()


@pytest.fixture
async def open_bus(exchange: MemoryExchange) -> AsyncIterator[Open]:
    buses: list[MemoryBus] = []
    async with asyncio.TaskGroup() as tasks:

        async def open_one() -> BusUnderTest:
            receiver = RecordingReceiver()
            name = f"i{len(buses)}"
            bus = MemoryBus(exchange, receiver=receiver, instance=name)
            buses.append(bus)
            tasks.create_task(bus.run())
            await receiver.until(lambda: receiver.rings)
            return BusUnderTest(bus, receiver, name)

        yield open_one
        for bus in buses:
            await bus.close()


@pytest.fixture
def ring(exchange: MemoryExchange) -> Ring:
    async def ring_it() -> None:
        exchange.ring()

    return ring_it


class TestMemoryBus(BusContract):
    pass


async def test_wishes_from_before_the_start_are_confirmed_at_the_start(exchange: MemoryExchange) -> None:
    receiver = RecordingReceiver()
    bus = MemoryBus(exchange, receiver=receiver)
    bus.subscribe("room:a")
    assert not bus.healthy
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(bus.run())
        await receiver.until(lambda: receiver.confirmations == ["room:a"])
        assert bus.healthy
        await bus.close()
    assert not bus.healthy


async def test_a_closed_bus_is_silent_even_about_what_was_on_its_way(exchange: MemoryExchange, open_bus: Open) -> None:
    other = await open_bus()
    receiver = RecordingReceiver()
    bus = MemoryBus(exchange, receiver=receiver)
    task = asyncio.create_task(bus.run())
    await receiver.until(lambda: receiver.rings)
    bus.subscribe("room:a")
    await receiver.until(lambda: receiver.confirmations)
    task.cancel()
    other.bus.publish(batch("room:a", 1))
    assert await other.bus.forward("gateway", b"late")
    bus.subscribe("room:b")
    exchange.ring()
    with pytest.raises(asyncio.CancelledError):
        await task
    await other.wants("room:c")
    assert receiver.batches == []
    assert receiver.confirmations == ["room:a"]
    assert receiver.rings == 1
    assert receiver.forwards == []
    with pytest.raises(Unavailable):
        await bus.forward(other.name, b"x")
