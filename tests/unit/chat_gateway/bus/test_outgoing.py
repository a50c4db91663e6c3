import asyncio

import pytest
from prometheus_client import REGISTRY

from chat_gateway.bus.outgoing import Message, Outgoing


def message(name: str, size: int = 10) -> Message:
    return Message(name, b"x" * size)


def dropped(reason: str) -> float:
    return REGISTRY.get_sample_value("parley_bus_dropped_total", {"reason": reason}) or 0.0


async def test_everything_queued_is_taken_in_one_go_and_in_order() -> None:
    outgoing = Outgoing(10_000)
    for name in "abc":
        outgoing.put(message(name))
    assert [m.channel for m in await outgoing.take(10_000)] == ["a", "b", "c"]


async def test_a_full_queue_drops_the_new_message_and_counts_it() -> None:
    outgoing = Outgoing(1_000)
    before = dropped("overflow")
    outgoing.put(message("a", 600))
    outgoing.put(message("b", 600))
    assert dropped("overflow") == before + 1
    assert [m.channel for m in await outgoing.take(10_000)] == ["a"]


async def test_taking_makes_room_again() -> None:
    outgoing = Outgoing(1_000)
    for name in "abcdef":
        outgoing.put(message(name, 600))
        assert [m.channel for m in await outgoing.take(10_000)] == [name]


async def test_many_tiny_messages_are_bounded_as_well() -> None:
    outgoing = Outgoing(10_000)
    for _ in range(10_000):
        outgoing.put(message("a", 0))
    assert len(await outgoing.take(1_000_000)) < 100


async def test_taking_stops_at_about_the_limit_and_leaves_the_rest() -> None:
    outgoing = Outgoing(100_000)
    for name in "abc":
        outgoing.put(message(name, 600))
    assert [m.channel for m in await outgoing.take(1_000)] == ["a", "b"]
    assert [m.channel for m in await outgoing.take(1_000)] == ["c"]


async def test_a_beat_goes_ahead_of_the_traffic_even_when_the_queue_is_full() -> None:
    outgoing = Outgoing(1_000)
    outgoing.put(message("a", 800))
    outgoing.put_first(message("beat", 20))
    assert [m.channel for m in await outgoing.take(10_000)] == ["beat", "a"]


async def test_taking_waits_for_something_to_take() -> None:
    outgoing = Outgoing(1_000)
    taking = asyncio.create_task(outgoing.take(1_000))
    await asyncio.sleep(0)
    assert not taking.done()
    outgoing.put(message("a"))
    assert len(await taking) == 1


async def test_clearing_drops_all_counts_it_and_makes_room() -> None:
    outgoing = Outgoing(1_000)
    outgoing.put(message("a", 800))
    before = dropped("link_down")
    outgoing.clear()
    assert dropped("link_down") == before + 1
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await outgoing.take(1_000)
    outgoing.put(message("b", 800))
    assert [m.channel for m in await outgoing.take(1_000)] == ["b"]


async def test_a_message_taken_back_is_not_sent() -> None:
    outgoing = Outgoing(1_000)
    waited_for = [asyncio.get_running_loop().create_future() for _ in "ab"]
    for name, heard_by in zip("ab", waited_for, strict=True):
        outgoing.put(Message(name, b"", heard_by))
    waited_for[0].cancel()
    assert [m.channel for m in await outgoing.take(10_000)] == ["b"]
    outgoing.put(message("c", 600))
    assert [m.channel for m in await outgoing.take(10_000)] == ["c"]


async def test_who_waits_for_a_dropped_message_is_told() -> None:
    outgoing = Outgoing(1_000)
    too_large, cleared = (asyncio.get_running_loop().create_future() for _ in "ab")
    outgoing.put(Message("a", b"x" * 1_000, too_large))
    assert too_large.cancelled()
    outgoing.put(Message("b", b"", cleared))
    outgoing.clear()
    assert cleared.cancelled()
