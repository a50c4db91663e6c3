import asyncio

import pytest

from chat_gateway.realtime.wheel import Wheel
from tests.builders import Clock
from tests.clients import until


def test_a_call_comes_late_rather_than_early() -> None:
    clock, calls = Clock(monotonic=10.5), []
    wheel = Wheel(clock.monotonic)
    wheel.after(2, lambda: calls.append("due"))
    clock.pass_seconds(1.9)
    wheel.turn()
    assert calls == []
    clock.pass_seconds(0.6)
    wheel.turn()
    wheel.turn()
    assert calls == ["due"]


def test_calls_come_in_the_order_of_their_seconds() -> None:
    clock, calls = Clock(monotonic=10), []
    wheel = Wheel(clock.monotonic)
    for seconds in (3, 1, 2):
        wheel.after(seconds, lambda seconds=seconds: calls.append(seconds))  # type: ignore[misc]
    clock.pass_seconds(60)
    wheel.turn()
    assert calls == [1, 2, 3]


def test_a_call_for_now_comes_with_the_next_turn() -> None:
    clock, calls = Clock(monotonic=10), []
    wheel = Wheel(clock.monotonic)
    wheel.after(0, lambda: calls.append("due"))
    wheel.turn()
    assert calls == []
    clock.pass_seconds(1)
    wheel.turn()
    assert calls == ["due"]


def test_a_call_may_ask_for_another_one() -> None:
    clock, calls = Clock(monotonic=10), []
    wheel = Wheel(clock.monotonic)

    def again() -> None:
        calls.append(clock.monotonic())
        wheel.after(1, again)

    wheel.after(1, again)
    for _ in range(3):
        clock.pass_seconds(1)
        wheel.turn()
    assert calls == [11, 12, 13]


def fail() -> None:
    raise RuntimeError


def test_a_call_that_fails_does_not_stop_the_others() -> None:
    clock, calls = Clock(monotonic=10), []
    wheel = Wheel(clock.monotonic)
    wheel.after(1, fail)
    wheel.after(1, lambda: calls.append("due"))
    clock.pass_seconds(1)
    wheel.turn()
    assert calls == ["due"]


async def test_a_running_wheel_turns_at_each_second() -> None:
    loop = asyncio.get_running_loop()
    calls: list[float] = []
    wheel = Wheel(lambda: loop.time() * 100)  # a clock a hundred times as fast
    wheel.after(1, lambda: calls.append(loop.time()))
    task = asyncio.create_task(wheel.run())
    await until(lambda: calls)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
