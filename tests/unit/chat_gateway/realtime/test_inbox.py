"""Commands start in order, are answered as they finish, wait for others of their kind, and push back when too many."""

from collections.abc import AsyncIterator

import pytest

from chat_gateway.realtime.limits import Limits
from tests.clients import Instance, idle, until
from tests.fakes import OpenChannels


@pytest.fixture
async def narrow(application: OpenChannels) -> AsyncIterator[Instance]:
    """An instance that carries out three commands of a client at once."""
    async with Instance(application, limits=Limits(in_flight=3)) as instance:
        application.committed = instance.engine.committed
        yield instance


async def test_commands_start_in_order_and_are_answered_as_they_finish(instance: Instance) -> None:
    client = await instance.connected()
    gate = instance.application.gate("rpc slow")
    slow, quick = client.send_all({"rpc": {"method": "slow"}}, {"rpc": {"method": "quick"}})
    posted = client.send(publish={"channel": "open", "data": {}})
    await until(lambda: client.answered(quick) and client.answered(posted))
    assert instance.application.calls[-3:] == ["rpc slow", "rpc quick", "publish {}"]
    assert not client.answered(slow)
    gate.open()
    await until(lambda: client.answered(slow))


async def test_what_changes_the_session_makes_the_next_commands_wait(instance: Instance) -> None:
    client = await instance.connected()
    gate = instance.application.gate("snapshot")
    subscribe, echo = client.send_all({"subscribe": {"channel": "open"}}, {"rpc": {"method": "echo"}})
    await gate.reached.wait()
    await idle()
    assert "rpc echo" not in instance.application.calls
    gate.open()
    await until(lambda: client.answered(echo))
    assert client.answered(subscribe)


async def test_an_earlier_answer_does_not_let_commands_overtake_a_subscribe(instance: Instance) -> None:
    client = await instance.connected()
    slow = instance.application.gate("rpc slow")
    rpc = client.send(rpc={"method": "slow"})
    await slow.reached.wait()
    gate = instance.application.gate("snapshot")
    subscribe, unsubscribe = client.send_all({"subscribe": {"channel": "open"}}, {"unsubscribe": {"channel": "open"}})
    await gate.reached.wait()
    slow.open()
    await until(lambda: client.answered(rpc))
    await idle()
    assert not client.answered(unsubscribe)
    gate.open()
    await until(lambda: client.answered(unsubscribe))
    assert "subscribe" in client.reply(subscribe)
    assert instance.hub.channels() == ["user:ann"]


async def test_an_answer_that_comes_after_the_unsubscribe_is_given(instance: Instance) -> None:
    client = await instance.connected()
    await client.call(subscribe={"channel": "open"})
    gate = instance.application.gate("rpc slow")
    slow = client.send(rpc={"method": "slow", "data": 1})
    await gate.reached.wait()
    assert (await client.call(unsubscribe={"channel": "open"}))["unsubscribe"] == {}
    gate.open()
    await until(lambda: client.answered(slow))
    assert client.reply(slow)["rpc"] == {"data": 1}


async def test_too_many_commands_in_flight_stop_the_reading_until_one_is_answered(narrow: Instance) -> None:
    client = await narrow.connected()
    gates = [narrow.application.gate(f"rpc {number}") for number in range(3)]
    ids = client.send_all(*[{"rpc": {"method": str(number)}} for number in range(5)])
    for gate in gates:
        await gate.reached.wait()
    await idle()
    assert client.link.paused
    assert narrow.application.calls[-3:] == ["rpc 0", "rpc 1", "rpc 2"]
    gates[0].open()
    await until(lambda: client.answered(ids[4]))
    assert not client.link.paused
    for gate in gates:
        gate.open()
    await until(lambda: all(client.answered(id_) for id_ in ids))


async def test_just_as_many_commands_as_may_be_in_flight_do_not_stop_the_reading(narrow: Instance) -> None:
    client = await narrow.connected()
    gate = narrow.application.gate("rpc slow")
    client.send_all(*[{"rpc": {"method": "slow"}}] * 3)
    await gate.reached.wait()
    assert not client.link.paused


async def test_a_connection_lost_while_its_reading_is_stopped_is_over(narrow: Instance) -> None:
    client = await narrow.connected()
    gates = [narrow.application.gate(f"rpc {number}") for number in range(3)]
    client.send_all(*[{"rpc": {"method": str(number)}} for number in range(5)])
    await gates[2].reached.wait()
    client.lose()
    for gate in gates:
        gate.open()
    await idle()
    assert client.link.paused
    assert "rpc 3" not in narrow.application.calls
    assert narrow.nothing_attached()


async def test_only_four_slow_commands_of_a_client_run_at_once_and_others_pass_them(instance: Instance) -> None:
    client = await instance.connected()
    instance.application.slow = frozenset(map(str, range(6)))
    gates = [instance.application.gate(f"rpc {number}") for number in range(6)]
    ids = client.send_all(*[{"rpc": {"method": str(number)}} for number in range(6)])
    quick = client.send(rpc={"method": "quick"})
    await until(lambda: client.answered(quick))
    await idle()
    assert [gate.reached.is_set() for gate in gates] == [True] * 4 + [False] * 2
    gates[2].open()
    await gates[4].reached.wait()
    await idle()
    assert not gates[5].reached.is_set()
    for gate in gates:
        gate.open()
    await until(lambda: all(client.answered(id_) for id_ in ids))


async def test_a_slow_command_waits_for_one_of_its_kind_to_end(application: OpenChannels) -> None:
    async with Instance(application, limits=Limits(slow_in_flight=1)) as instance:
        client = await instance.connected()
        gate = application.gate("rpc search")
        first = client.send(rpc={"method": "search"})
        await gate.reached.wait()
        page, second, posted = client.send_all(
            {"history": {"channel": "open"}}, {"rpc": {"method": "search"}}, {"publish": {"channel": "open", "data": 1}}
        )
        await until(lambda: client.answered(posted))
        await idle()
        assert "history" not in application.calls
        gate.open()
        await until(lambda: client.answered(second))
        assert [call for call in application.calls if call in ("history", "rpc search")] == [
            "rpc search",
            "history",
            "rpc search",
        ]
        assert client.answered(first)
        assert client.answered(page)


async def test_slow_commands_that_wait_count_as_in_flight(application: OpenChannels) -> None:
    """Or a client could have any number of them kept."""
    async with Instance(application, limits=Limits(slow_in_flight=1, in_flight=3)) as instance:
        client = await instance.connected()
        gate = application.gate("rpc search")
        ids = client.send_all(*[{"rpc": {"method": "search"}}] * 4)
        await gate.reached.wait()
        assert client.link.paused
        gate.open()
        await until(lambda: all(client.answered(id_) for id_ in ids))
        assert not client.link.paused


async def test_slow_commands_that_wait_end_with_the_session(application: OpenChannels) -> None:
    async with Instance(application, limits=Limits(slow_in_flight=1)) as instance:
        client = await instance.connected()
        gate = application.gate("rpc search")
        client.send_all(*[{"rpc": {"method": "search"}}] * 2)
        await gate.reached.wait()
        client.lose()
        gate.open()
        await idle()
        assert application.calls.count("rpc search") == 1
