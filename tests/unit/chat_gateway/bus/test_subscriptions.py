import asyncio

import pytest

from chat_gateway.bus.subscriptions import Subscriptions


async def nothing_to_tell(subscriptions: Subscriptions) -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await subscriptions.changes(10)


async def test_wishes_are_told_once_and_in_order() -> None:
    subscriptions = Subscriptions()
    subscriptions.add("b")
    subscriptions.add("a")
    assert await subscriptions.changes(10) == (["b", "a"], [])
    await nothing_to_tell(subscriptions)


async def test_only_the_latest_wish_for_a_channel_counts() -> None:
    subscriptions = Subscriptions()
    subscriptions.add("a")
    subscriptions.add("b")
    subscriptions.discard("a")
    assert await subscriptions.changes(10) == (["b"], ["a"])


async def test_dropped_and_wanted_again_is_told_again() -> None:
    subscriptions = Subscriptions()
    subscriptions.add("a")
    await subscriptions.changes(10)
    subscriptions.discard("a")
    subscriptions.add("a")
    assert await subscriptions.changes(10) == (["a"], [])


async def test_dropping_what_was_never_wanted_tells_nothing() -> None:
    subscriptions = Subscriptions()
    subscriptions.discard("a")
    await nothing_to_tell(subscriptions)


async def test_many_wishes_come_in_rounds() -> None:
    subscriptions = Subscriptions()
    for number in range(5):
        subscriptions.add(str(number))
    rounds = [(await subscriptions.changes(2)).wanted for _ in range(3)]
    assert rounds == [["0", "1"], ["2", "3"], ["4"]]
    await nothing_to_tell(subscriptions)


async def test_what_the_server_let_go_of_is_asked_for_again_if_still_wanted() -> None:
    subscriptions = Subscriptions()
    subscriptions.add("a")
    await subscriptions.changes(10)
    subscriptions.lost("a")
    subscriptions.lost("never wanted")
    assert await subscriptions.changes(10) == (["a"], [])


async def test_a_new_link_is_told_all_that_is_wanted_and_nothing_else() -> None:
    subscriptions = Subscriptions()
    subscriptions.add("a")
    subscriptions.add("b")
    await subscriptions.changes(10)
    subscriptions.discard("b")
    subscriptions.start_over()
    assert await subscriptions.changes(10) == (["a"], [])


async def test_a_new_link_with_nothing_wanted_is_told_nothing() -> None:
    subscriptions = Subscriptions()
    subscriptions.add("a")
    subscriptions.discard("a")
    subscriptions.start_over()
    await nothing_to_tell(subscriptions)
    assert "a" not in subscriptions
