"""Repairs with real loop time, in fractions of a second, and a log that can be down."""

import asyncio
from collections.abc import AsyncIterator, Collection

import pytest
from prometheus_client import REGISTRY
from typing_extensions import override

from chat_gateway.realtime.publication import Position, Publication
from chat_gateway.realtime.repair import RepairTimes
from tests.builders import batch
from tests.clients import QUIET, Client, Instance, idle, until
from tests.fakes import Gate, MemoryLog, OpenChannels

QUICK = RepairTimes(hole_seconds=0.001, heads_seconds=0.01, stall_seconds=1e6, retry_seconds=0.001)


async def listener(instance: Instance, channel: str = "open") -> Client:
    client = await instance.connected()
    assert "subscribe" in await client.call(subscribe={"channel": channel})
    return client


@pytest.fixture
async def quick(application: OpenChannels) -> AsyncIterator[Instance]:
    async with Instance(application, repair_times=QUICK) as instance:
        yield instance


def repaired() -> float:
    return REGISTRY.get_sample_value("parley_publications_repaired_total") or 0


async def test_a_hole_is_read_from_the_log(instance: Instance, log: MemoryLog) -> None:
    client, before = await listener(instance), repaired()
    log.append("open")
    instance.hub.received(batch("open", [log.append("open")]))
    await until(lambda: client.offsets("open") == [1, 2])
    assert repaired() - before == 2


async def test_a_hole_that_fills_by_itself_is_not_read(instance: Instance, log: MemoryLog) -> None:
    client = await listener(instance)
    one, two = log.append("open"), log.append("open")
    instance.hub.received(batch("open", [two]))
    instance.hub.received(batch("open", [one]))
    await until(lambda: not instance.engine.repairer._open)
    await idle()
    assert client.offsets("open") == [1, 2]
    assert log.reads == 0


async def test_a_hole_larger_than_one_read_is_read_on(instance: Instance, log: MemoryLog) -> None:
    client = await listener(instance)
    for _ in range(1_200):
        log.append("open")
    instance.hub.received(batch("open", [log.append("open")]))
    await until(lambda: len(client.offsets("open")) == 1_201)
    assert client.offsets("open") == list(range(1, 1_202))
    assert log.reads == 3


async def test_a_hole_is_read_again_while_the_log_is_down(instance: Instance, log: MemoryLog) -> None:
    client = await listener(instance)
    log.down = True
    log.append("open")
    instance.hub.received(batch("open", [log.append("open")]))
    await until(lambda: instance.engine.repairer._holes.empty() and not instance.engine.repairer._open)
    await until(lambda: instance.engine.repairer._open)
    log.down = False
    await until(lambda: client.offsets("open") == [1, 2])


async def test_a_hole_where_the_log_has_nothing_is_given_up(instance: Instance, log: MemoryLog) -> None:
    client = await listener(instance)
    instance.hub.received(batch("open", [7]))
    await until(lambda: log.reads)
    await until(lambda: instance.hub.position("open") is None)
    instance.application.post("open")
    await idle()
    assert client.offsets("open") == [1]


class Gappy(MemoryLog):
    @override
    async def read(self, channel: str, *, after: int, limit: int) -> tuple[str, list[Publication]]:
        epoch, found = await super().read(channel, after=after, limit=limit)
        return epoch, found[1:]


async def test_a_log_with_a_gap_is_not_read_for_ever() -> None:
    log = Gappy()
    async with Instance(OpenChannels(log)) as instance:
        await listener(instance)
        log.append("open")
        instance.hub.received(batch("open", [log.append("open")]))
        await until(lambda: log.reads)
        await until(lambda: instance.hub.position("open") is None)
        assert log.reads == 1


class Slow(MemoryLog):
    def __init__(self) -> None:
        super().__init__()
        self.gate = Gate()

    @override
    async def read(self, channel: str, *, after: int, limit: int) -> tuple[str, list[Publication]]:
        found = await super().read(channel, after=after, limit=limit)
        await self.gate.through()
        return found


async def test_what_was_read_before_another_epoch_began_is_not_delivered() -> None:
    log = Slow()
    async with Instance(OpenChannels(log)) as instance:
        client = await listener(instance)
        log.append("open", b'"old"')
        instance.hub.received(batch("open", [log.append("open")]))
        await log.gate.reached.wait()
        log.restore("e2", open=0)
        instance.hub.confirmed(["open"])
        await until(lambda: "open" not in instance.hub.channels())
        instance.pass_seconds(1)
        await until(lambda: client.pushes("unsubscribe", "open"))
        await client.call(subscribe={"channel": "open"})
        log.gate.open()
        await idle()
        assert client.offsets("open") == []


async def test_what_is_read_of_a_log_that_was_restored_meanwhile_is_not_taken_for_the_old_one(
    instance: Instance, log: MemoryLog
) -> None:
    client = await listener(instance)
    log.append("open")
    log.restore("e2", open=0)
    log.append("open", b'"new"')
    instance.hub.received(batch("open", [2]))
    await until(lambda: "open" not in instance.hub.channels())
    assert log.reads == 1
    assert log.asked == [["open"]]
    assert client.offsets("open") == []


class LateHeads(MemoryLog):
    """Answers with the heads of the moment it was asked, later."""

    def __init__(self) -> None:
        super().__init__()
        self.gates: list[Gate] = []

    @override
    async def heads(self, channels: Collection[str]) -> dict[str, Position]:
        found = await super().heads(channels)
        if self.gates:
            await self.gates.pop(0).through()
        return found


async def test_heads_read_before_another_epoch_began_do_not_bring_the_old_one_back() -> None:
    log = LateHeads()
    async with Instance(OpenChannels(log)) as instance:
        await listener(instance)
        log.append("open")
        log.gates = [gate] = [Gate()]
        instance.hub.confirmed(["open"])
        await gate.reached.wait()
        log.restore("e2", open=0)
        bob = await listener(instance)  # whose snapshot is of the new log
        gate.open()
        await until(lambda: len(log.asked) == 2)
        await idle()
        assert bob.pushes("unsubscribe", "open") == []
        instance.hub.received(batch("open", [1], epoch="e2"))
        await until(lambda: bob.offsets("open") == [1])


async def test_heads_are_compared_at_intervals(quick: Instance, log: MemoryLog) -> None:
    client = await listener(quick)
    log.append("open")
    await until(lambda: client.offsets("open") == [1])


async def test_heads_are_compared_at_intervals_though_single_channels_are_checked_all_the_time(
    quick: Instance, log: MemoryLog
) -> None:
    client = await listener(quick)
    log.append("open")

    async def keep_checking() -> None:
        while True:
            quick.hub.confirmed(["user:ann"])
            await asyncio.sleep(0)

    busy = asyncio.create_task(keep_checking())
    await until(lambda: client.offsets("open") == [1])
    busy.cancel()


async def test_heads_that_cannot_be_read_are_read_later(quick: Instance, log: MemoryLog) -> None:
    client = await listener(quick)
    log.append("open")
    log.down = True
    await until(lambda: quick.engine.repairer._unchecked == set())
    await asyncio.sleep(0.02)
    assert client.offsets("open") == []
    log.down = False
    await until(lambda: client.offsets("open") == [1])


async def test_a_confirmed_subscription_is_compared_at_once(instance: Instance, log: MemoryLog) -> None:
    client = await listener(instance)
    log.append("open")
    instance.hub.confirmed(["open", "nobody"])
    await until(lambda: client.offsets("open") == [1])
    assert log.asked == [["open"]]


async def test_many_channels_are_compared_in_pieces(instance: Instance, log: MemoryLog) -> None:
    instance.engine.repairer.check([f"open:{number}" for number in range(2_001)])
    await until(lambda: len(log.asked) == 3)
    assert [len(asked) for asked in log.asked] == [1_000, 1_000, 1]


async def test_a_head_before_the_first_position_teaches_nothing(instance: Instance, log: MemoryLog) -> None:
    log.append("open")
    client = await instance.connected()
    gate = instance.application.gate("snapshot")
    client.send(subscribe={"channel": "open"})
    await gate.reached.wait()
    instance.hub.compare("open", log.head("open"), instance.hub.reading())
    instance.hub.compare("nobody", log.head("open"), instance.hub.reading())
    assert instance.hub._channels["open"].position is None
    gate.open()


def test_the_times_are_those_of_the_design() -> None:
    assert RepairTimes() == RepairTimes(hole_seconds=0.2, heads_seconds=3.0, stall_seconds=1.0, retry_seconds=0.5)
    assert QUIET.hole_seconds < 1
