"""What every log of channels must do, stored or in memory: a class of tests to subclass."""

from collections.abc import Awaitable, Callable

import pytest

from chat_gateway.realtime.ports import ChannelLog

Append = Callable[[str, int], Awaitable[None]]


class ChannelLogContract:
    """Subclasses bring the fixtures `log` and `append`, which puts that many publications into a channel."""

    @pytest.fixture
    async def channel(self, append: Append) -> str:
        """A channel of five publications."""
        await append("room:lobby", 5)
        return "room:lobby"

    async def test_a_head_is_the_last_offset(self, log: ChannelLog, channel: str) -> None:
        heads = await log.heads([channel])
        assert heads[channel].offset == 5
        assert 1 <= len(heads[channel].epoch) <= 8

    async def test_a_channel_that_is_not_there_has_no_head(self, log: ChannelLog, channel: str) -> None:
        assert list(await log.heads([channel, "room:missing"])) == [channel]
        assert await log.heads([]) == {}

    async def test_publications_are_read_rising_and_without_gaps(self, log: ChannelLog, channel: str) -> None:
        heads = await log.heads([channel])
        for after, limit, offsets in ((2, 500, [3, 4, 5]), (0, 2, [1, 2])):
            epoch, publications = await log.read(channel, after=after, limit=limit)
            assert epoch == heads[channel].epoch
            assert [one.offset for one in publications] == offsets

    async def test_above_the_head_there_is_nothing_but_the_epoch(self, log: ChannelLog, channel: str) -> None:
        epoch = (await log.heads([channel]))[channel].epoch
        assert await log.read(channel, after=5, limit=500) == (epoch, [])
        assert await log.read("room:missing", after=0, limit=500) == (epoch, [])
