"""Who is let in, who waits, and who is told to come back."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from chat_gateway.realtime.limits import Limits
from chat_gateway.realtime.load import IN_PROGRESS, LAG, SOCKETS, Load
from shared.errors import Unavailable
from tests.builders import Clock
from tests.clients import Instance, idle, token_of, until
from tests.fakes import OpenChannels


@pytest.fixture
async def busy(application: OpenChannels) -> AsyncIterator[Instance]:
    """An instance that works on one connect at a time."""
    async with Instance(application, limits=Limits(connects_in_progress=1)) as instance:
        yield instance


def load_of(clock: Clock, random: float = 0.0, **limits: float) -> Load:
    return Load(
        Limits(**limits),  # type: ignore[arg-type] # the test names fields of numbers
        monotonic=clock.monotonic,
        random=lambda: random,
        sockets=lambda: 7,
    )


async def test_up_to_the_limit_of_connects_in_progress_one_more_is_let_in(busy: Instance) -> None:
    busy.engine.load.admit()
    gate = busy.application.gate("snapshot")
    busy.client().send(connect={"token": token_of("ann")})
    await gate.reached.wait()
    with pytest.raises(Unavailable) as refusal:
        busy.engine.load.admit()
    assert refusal.value.code == "overloaded"
    gate.open()
    await until(lambda: not busy.engine.load.in_progress)
    busy.engine.load.admit()


async def test_a_connect_beyond_the_limit_waits_for_its_turn(busy: Instance) -> None:
    gate = busy.application.gate("snapshot")
    first, second = busy.client(), busy.client()
    first.send(connect={"token": token_of("ann")})
    second.send(connect={"token": token_of("bob")})
    await gate.reached.wait()
    await idle()
    assert busy.application.calls.count("verify") == 1
    gate.open()
    await until(lambda: second.answered(1))
    assert "connect" in second.reply(1)


async def test_a_connect_whose_turn_comes_too_late_is_told_to_come_back(busy: Instance) -> None:
    gate = busy.application.gate("snapshot")
    clients = [busy.client() for _ in range(3)]
    for client in clients:
        client.send(connect={"token": token_of("ann")})
    await gate.reached.wait()
    await idle()
    busy.clock.pass_seconds(3.01)
    gate.open()
    await until(lambda: clients[2].answered(1))
    assert "connect" in clients[0].reply(1)
    for client in clients[1:]:
        assert client.reply(1)["error"] == {"code": 100, "message": "unavailable", "temporary": True}
    assert busy.application.calls.count("verify") == 1
    assert busy.engine.load.in_progress == 0


async def test_a_connect_whose_turn_comes_just_in_time_is_answered(busy: Instance) -> None:
    gate = busy.application.gate("snapshot")
    clients = [busy.client() for _ in range(2)]
    for client in clients:
        client.send(connect={"token": token_of("ann")})
    await gate.reached.wait()
    await idle()
    busy.clock.pass_seconds(3)
    gate.open()
    await until(lambda: clients[1].answered(1))
    assert "connect" in clients[1].reply(1)


async def test_a_connect_without_a_turn_is_not_kept_waiting_longer(application: OpenChannels) -> None:
    limits = Limits(connects_in_progress=1, connect_wait_seconds=0.01)
    async with Instance(application, limits=limits) as instance:
        gate = application.gate("snapshot")
        first, second = instance.client(), instance.client()
        first.send(connect={"token": token_of("ann")})
        await gate.reached.wait()
        second.send(connect={"token": token_of("ann")})
        await until(lambda: second.answered(1))
        assert second.reply(1)["error"]["code"] == 100
        gate.open()
        await until(lambda: first.answered(1))


async def test_a_refused_connect_gives_its_turn_back(busy: Instance) -> None:
    for token in ("broken", "expired", "unknown key"):
        client = busy.client()
        client.send(connect={"token": token})
        await idle()
        assert client.link.closed or client.answered(1)
    assert busy.engine.load.in_progress == 0
    await busy.connected()


async def test_a_client_that_leaves_while_it_waits_takes_no_turn(busy: Instance) -> None:
    gate = busy.application.gate("snapshot")
    first, second = busy.client(), busy.client()
    first.send(connect={"token": token_of("ann")})
    await gate.reached.wait()
    second.send(connect={"token": token_of("bob")})
    await idle()
    second.lose()
    gate.open()
    await until(lambda: not busy.engine.load.in_progress)
    assert busy.application.calls.count("verify") == 2
    assert busy.hub.channels() == ["user:ann"]


@pytest.mark.parametrize(("late", "is_admitted"), [(0.25, True), (0.26, False)])
async def test_a_loop_that_is_late_refuses_and_one_that_has_caught_up_does_not(
    late: float, *, is_admitted: bool
) -> None:
    clock = Clock()
    load = load_of(clock)
    task = asyncio.create_task(load.run())
    await asyncio.sleep(0)
    load.admit()
    clock.pass_seconds(0.1 + late)
    assert load.lag() == pytest.approx(late)
    if is_admitted:
        load.admit()
    else:
        with pytest.raises(Unavailable):
            load.admit()
    task.cancel()


async def test_what_was_measured_is_believed_until_the_next_measure_and_shown(instance: Instance) -> None:
    client = await instance.connected()
    load = instance.engine.load
    instance.clock.pass_seconds(0.5)
    measured = load._last_lag
    await until(lambda: load._last_lag != measured)
    assert load.lag() == pytest.approx(0.4)
    with pytest.raises(Unavailable):
        load.admit()
    assert LAG._value.get() == pytest.approx(0.4)
    assert (SOCKETS._value.get(), IN_PROGRESS._value.get()) == (1, 0)
    await until(lambda: load.lag() == 0)
    load.admit()
    assert client.link.closed is None


@pytest.mark.parametrize(("drawn", "seconds"), [(0.0, 1), (0.999, 5)])
async def test_those_who_are_refused_come_back_at_different_moments(drawn: float, seconds: int) -> None:
    load = load_of(Clock(), drawn, connects_in_progress=1)
    async with load.turn():
        with pytest.raises(Unavailable) as refusal:
            load.admit()
    assert refusal.value.retry_after == seconds
    assert f"in {seconds} s" in refusal.value.message
