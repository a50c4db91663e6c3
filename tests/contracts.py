"""Contract suites: what every implementation of a port must do, real or fake, as classes of tests to subclass."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest

from chat_gateway.bus import wire
from chat_gateway.realtime.ports import Bus
from chat_gateway.realtime.publication import Batch, Publication

DEADLINE_SECONDS = 10.0


def publication(offset: int, data: bytes = b"{}", *, kind: int = 1) -> Publication:
    return Publication(offset, kind, f"entry-{offset}", "somebody", data)


def batch(channel: str, *offsets: int, data: bytes = b"{}") -> Batch:
    return Batch(channel=channel, epoch="e1", publications=tuple(publication(offset, data) for offset in offsets))


class RecordingReceiver:
    """Keeps what a bus says and lets a test wait for it."""

    def __init__(self) -> None:
        self.batches: list[Batch] = []
        self.confirmations: list[str] = []
        self.rings = 0
        self.forwards: list[bytes] = []
        self._news = asyncio.Event()

    def received(self, batch: Batch) -> None:
        self.batches.append(batch)
        self._news.set()

    def confirmed(self, channels: Sequence[str]) -> None:
        self.confirmations.extend(channels)
        self._news.set()

    def rung(self) -> None:
        self.rings += 1
        self._news.set()

    def forwarded(self, message: bytes) -> None:
        self.forwards.append(message)
        self._news.set()

    def offsets(self, channel: str) -> list[int]:
        return [p.offset for b in self.batches if b.channel == channel for p in b.publications]

    async def until(self, condition: Callable[[], Any]) -> None:
        """Wait until the condition holds; looks again at each piece of news."""
        async with asyncio.timeout(DEADLINE_SECONDS):
            while not condition():
                self._news.clear()
                await self._news.wait()


class BusUnderTest:
    """One instance on the bus: its bus, and what it hears."""

    def __init__(self, bus: Bus, receiver: RecordingReceiver, name: str) -> None:
        self.bus, self.receiver, self.name = bus, receiver, name

    async def wants(self, *channels: str) -> None:
        """Subscribe and wait for the confirmations of just these subscriptions."""
        before = {channel: self.receiver.confirmations.count(channel) for channel in channels}
        for channel in channels:
            self.bus.subscribe(channel)
        await self.receiver.until(
            lambda: all(self.receiver.confirmations.count(channel) > before[channel] for channel in channels)
        )

    async def hears(self, channel: str, *offsets: int) -> None:
        await self.receiver.until(lambda: set(offsets) <= set(self.receiver.offsets(channel)))


Open = Callable[[], Awaitable[BusUnderTest]]
Ring = Callable[[], Awaitable[None]]


class BusContract:
    """Subclasses bring the fixtures `open_bus`, which puts an instance on one shared bus and runs it, and `ring`."""

    @pytest.fixture
    async def two(self, open_bus: Open) -> tuple[BusUnderTest, BusUnderTest]:
        return await open_bus(), await open_bus()

    async def test_a_batch_reaches_other_and_own_instance(self, two: tuple[BusUnderTest, BusUnderTest]) -> None:
        one, other = two
        await one.wants("room:a")
        await other.wants("room:a")
        sent = Batch(channel="room:a", epoch="e1", publications=(publication(1, '{"ä":1}'.encode()), publication(2)))
        one.bus.publish(sent)
        await one.hears("room:a", 1, 2)
        await other.hears("room:a", 1, 2)
        assert one.receiver.batches == [sent]
        assert other.receiver.batches == [sent]

    async def test_a_channel_nobody_here_wants_is_not_heard(self, two: tuple[BusUnderTest, BusUnderTest]) -> None:
        one, other = two
        await one.wants("room:a", "room:b")
        await other.wants("room:b")
        one.bus.publish(batch("room:a", 1))
        one.bus.publish(batch("room:b", 7))
        await one.hears("room:a", 1)
        await other.hears("room:b", 7)
        assert other.receiver.offsets("room:a") == []

    async def test_an_unsubscribed_channel_is_silent_at_once(self, two: tuple[BusUnderTest, BusUnderTest]) -> None:
        one, other = two
        await other.wants("room:a", "room:b")
        one.bus.publish(batch("room:a", 1))
        await other.hears("room:a", 1)
        one.bus.publish(batch("room:a", 2))
        other.bus.unsubscribe("room:a")
        one.bus.publish(batch("room:a", 3))
        one.bus.publish(batch("room:b", 4))
        await other.hears("room:b", 4)
        await other.wants("room:c")
        assert other.receiver.offsets("room:a") == [1]

    async def test_unsubscribing_what_was_never_wanted_is_nothing(self, open_bus: Open) -> None:
        one = await open_bus()
        one.bus.unsubscribe("room:a")
        await one.wants("room:b")
        assert one.receiver.confirmations == ["room:b"]

    async def test_subscribing_again_is_confirmed_again(self, two: tuple[BusUnderTest, BusUnderTest]) -> None:
        one, other = two
        await other.wants("room:a")
        other.bus.unsubscribe("room:a")
        await other.wants("room:a")
        one.bus.publish(batch("room:a", 1))
        await other.hears("room:a", 1)

    async def test_after_a_flutter_of_wishes_the_last_one_holds(self, two: tuple[BusUnderTest, BusUnderTest]) -> None:
        one, other = two
        for _ in range(5):
            await asyncio.sleep(0)
            other.bus.unsubscribe("room:a")
            other.bus.unsubscribe("room:b")
            await asyncio.sleep(0)
            other.bus.subscribe("room:a")
            other.bus.subscribe("room:b")
        other.bus.unsubscribe("room:b")
        await other.wants("room:a", "room:c")
        one.bus.publish(batch("room:a", 1))
        one.bus.publish(batch("room:b", 2))
        one.bus.publish(batch("room:c", 3))
        await other.hears("room:a", 1)
        await other.hears("room:c", 3)
        assert other.receiver.offsets("room:b") == []

    async def test_many_channels_are_all_confirmed_and_carried(self, two: tuple[BusUnderTest, BusUnderTest]) -> None:
        one, other = two
        channels = [f"room:{number}" for number in range(1200)]
        await other.wants(*channels)
        for channel in channels:
            one.bus.publish(batch(channel, 1))
        await other.receiver.until(lambda: len(other.receiver.batches) == len(channels))

    async def test_a_large_batch_is_split_and_arrives_whole(self, two: tuple[BusUnderTest, BusUnderTest]) -> None:
        one, other = two
        await other.wants("room:a")
        large = batch("room:a", *range(1, 9), data=b"x" * 100_000)
        one.bus.publish(large)
        await other.hears("room:a", *range(1, 9))
        assert [b.publications for b in other.receiver.batches] != [large.publications]
        assert sorted(other.receiver.offsets("room:a")) == list(range(1, 9))
        assert {b.epoch for b in other.receiver.batches} == {"e1"}

    async def test_an_entry_above_the_limit_goes_alone(self, two: tuple[BusUnderTest, BusUnderTest]) -> None:
        one, other = two
        await other.wants("room:a")
        one.bus.publish(batch("room:a", 1, 2, data=b"x" * (wire.MAX_MESSAGE_BYTES + 1)))
        await other.hears("room:a", 1, 2)

    async def test_publishing_returns_before_anything_is_delivered(self, open_bus: Open) -> None:
        one = await open_bus()
        await one.wants("room:a")
        for offset in range(1, 101):
            one.bus.publish(batch("room:a", offset))
        assert one.receiver.batches == []
        # No order is promised.
        await one.hears("room:a", *range(1, 101))

    async def test_an_empty_batch_sends_nothing(self, open_bus: Open) -> None:
        one = await open_bus()
        await one.wants("room:a")
        one.bus.publish(batch("room:a"))
        one.bus.publish(batch("room:a", 1))
        await one.hears("room:a", 1)
        assert len(one.receiver.batches) == 1

    async def test_the_doorbell_is_heard_by_every_instance(
        self, two: tuple[BusUnderTest, BusUnderTest], ring: Ring
    ) -> None:
        one, other = two
        # A new link is a ring by itself: one may have been missed.
        await one.receiver.until(lambda: one.receiver.rings == 1)
        await other.receiver.until(lambda: other.receiver.rings == 1)
        await ring()
        await one.receiver.until(lambda: one.receiver.rings == 2)
        await other.receiver.until(lambda: other.receiver.rings == 2)

    async def test_what_is_forwarded_reaches_the_named_instance_alone(
        self, two: tuple[BusUnderTest, BusUnderTest]
    ) -> None:
        one, other = two
        assert await one.bus.forward(other.name, b"\x00 for you")
        assert await other.bus.forward(other.name, b"for myself")
        await other.receiver.until(lambda: len(other.receiver.forwards) == 2)
        assert sorted(other.receiver.forwards) == [b"\x00 for you", b"for myself"]
        assert one.receiver.forwards == []

    async def test_nothing_is_forwarded_to_a_name_nobody_has(self, two: tuple[BusUnderTest, BusUnderTest]) -> None:
        one, other = two
        assert not await one.bus.forward("nobody", b"x")
        assert not await one.bus.forward(f"{other.name}x", b"x")
        assert await one.bus.forward(other.name, b"after")
        await other.receiver.until(lambda: other.receiver.forwards == [b"after"])

    async def test_forwards_side_by_side_are_each_answered(self, two: tuple[BusUnderTest, BusUnderTest]) -> None:
        one, other = two
        names = [other.name, "nobody"] * 20
        answers = await asyncio.gather(*(one.bus.forward(name, b"x") for name in names))
        assert answers == [True, False] * 20
        await other.receiver.until(lambda: len(other.receiver.forwards) == 20)
