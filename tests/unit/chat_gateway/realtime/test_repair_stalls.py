"""After the process stood still: what came meanwhile is read again, and nothing goes out before that is known."""

import asyncio

from chat_gateway.realtime.repair import RepairTimes
from tests.builders import batch
from tests.clients import Client, Instance, idle, token_of, until
from tests.fakes import Gate, MemoryLog, OpenChannels


async def listener(instance: Instance) -> Client:
    client = await instance.connected()
    assert "subscribe" in await client.call(subscribe={"channel": "open"})
    return client


async def test_after_a_stall_input_is_dropped_and_read_again(application: OpenChannels, log: MemoryLog) -> None:
    times = RepairTimes(hole_seconds=1e6, heads_seconds=1e6, stall_seconds=0.02, retry_seconds=0.001)
    async with Instance(application, repair_times=times) as instance:
        client = await listener(instance)
        missed = log.append("open")
        instance.hub.received(batch("open", [log.append("open")]))
        held = instance.hub._channels["open"].held
        assert held
        instance.clock.pass_seconds(5)
        assert instance.engine.repairer.stalled()
        instance.engine.committed(batch("open", [log.append("open")]))
        await until(lambda: log.asked)
        assert not held
        instance.hub.received(batch("open", [missed]))
        await idle()
        assert client.offsets("open") == [1]  # of the other two nothing is left but their place
        assert not instance.engine.repairer.stalled()
        assert "open" in log.asked[0]


async def test_nothing_is_delivered_after_a_stall_before_all_was_asked_that_has_to_be(
    application: OpenChannels, log: MemoryLog
) -> None:
    """Not what is read for a hole either: the user may have lost everything while this process stood still."""
    times = RepairTimes(hole_seconds=0.001, heads_seconds=0.01, stall_seconds=0.02, retry_seconds=0.001)
    gate = Gate()
    async with Instance(application, repair_times=times, after_stall=gate.through) as instance:
        client = await listener(instance)
        instance.clock.pass_seconds(5)
        log.append("open")
        await gate.reached.wait()
        reads = log.reads
        await until(lambda: log.reads > reads + 1 or client.offsets("open"))
        instance.engine.committed(batch("open", [1]))
        await idle()
        assert client.offsets("open") == []
        gate.open()
        await until(lambda: client.offsets("open") == [1])


async def test_no_command_runs_after_a_stall_before_all_was_asked_that_has_to_be(application: OpenChannels) -> None:
    """What a client said meanwhile waits with us; the answer may be that its session is over."""
    times = RepairTimes(hole_seconds=1e6, heads_seconds=1e6, stall_seconds=0.02)
    gate = Gate()
    async with Instance(application, repair_times=times, after_stall=gate.through) as instance:
        ended, other = await instance.connected(), await instance.connected(token=token_of("bob", session="s2"))
        newcomer = instance.client()
        instance.clock.pass_seconds(5)
        asked = [client.send(rpc={"method": "echo", "data": {}}) for client in (ended, other)]
        asked += [newcomer.send(connect={"token": token_of("eve")})]
        await gate.reached.wait()
        await idle()
        assert not any(map(Client.answered, (ended, other, newcomer), asked))
        instance.engine.end_sessions(frozenset({"s1"}))
        gate.open()
        await until(lambda: other.answered(asked[1]) and newcomer.answered(asked[2]))
        assert not ended.answered(asked[0])
        assert ended.link.closed == (3503, "force disconnect")


async def test_without_a_stall_nothing_is_read_again(application: OpenChannels, log: MemoryLog) -> None:
    times = RepairTimes(hole_seconds=1e6, heads_seconds=1e6, stall_seconds=0.004, retry_seconds=0.001)
    async with Instance(application, repair_times=times) as instance:
        await listener(instance)
        await asyncio.sleep(0.01)
        assert log.asked == []
