"""Ephemerals reach who listens now, once, and nothing more is promised."""

from collections.abc import AsyncIterator

import pytest

from chat_gateway.bus.memory_bus import MemoryBus, MemoryExchange
from chat_gateway.protocol.frames import ClientInfo
from chat_gateway.realtime.limits import Limits
from chat_gateway.realtime.ports import Grant
from chat_gateway.realtime.publication import JOIN, LEAVE, Batch, ephemeral
from chat_gateway.realtime.repair import RepairTimes
from tests.clients import Client, Instance, idle, until
from tests.fakes import MemoryLog, OpenChannels
from tests.instances import OnBus

LIVE = "live:r"
BOB = ClientInfo("bob", "client-2", b'{"name":"bob"}')


@pytest.fixture(autouse=True)
def _options(application: OpenChannels) -> None:
    application.grants[LIVE] = Grant(has_log=False, recoverable=False, positioned=False)
    application.grants["social"] = Grant(join_leave=True)


async def listener(instance: Instance, channel: str = LIVE, user: str = "ann") -> Client:
    client = await instance.connected(user)
    assert "subscribe" in await client.call(subscribe={"channel": channel})
    return client


async def test_a_channel_without_a_log_is_read_nowhere_and_has_no_position(instance: Instance) -> None:
    client = await instance.connected()
    before = instance.application.calls.count("snapshot")
    reply = await client.call(subscribe={"channel": LIVE, "recover": True, "offset": 3, "epoch": "e1"})
    assert reply["subscribe"] == {}
    assert instance.application.calls.count("snapshot") == before


async def test_an_ephemeral_reaches_every_listener_once_without_an_offset(instance: Instance) -> None:
    ann, bob = await listener(instance), await listener(instance, user="bob")
    instance.engine.announce(ephemeral(LIVE, b'{"typing":1}'))
    await idle()
    assert ann.pushes("pub", LIVE) == bob.pushes("pub", LIVE) == [{"data": {"typing": 1}}]


async def test_an_ephemeral_of_a_channel_nobody_listens_to_is_nothing(instance: Instance) -> None:
    instance.engine.announce(ephemeral(LIVE, b"{}"))
    assert instance.hub.channels() == []


async def test_an_ephemeral_does_not_move_the_position_of_a_log(instance: Instance) -> None:
    ann = await listener(instance, "open")
    instance.engine.announce(ephemeral("open", b"{}"))
    instance.application.post("open")
    await idle()
    assert [one.get("offset") for one in ann.pushes("pub", "open")] == [None, 1]


async def test_one_who_is_joining_gets_no_ephemeral_before_its_reply(instance: Instance) -> None:
    client = await instance.connected()
    gate = instance.application.gate("snapshot answered")
    subscribe = client.send(subscribe={"channel": "open"})
    await gate.reached.wait()
    instance.engine.announce(ephemeral("open", b"{}"))
    gate.open()
    await until(lambda: client.answered(subscribe))
    await idle()
    assert client.pushes("pub", "open") == []


async def test_one_who_waits_for_the_hub_to_catch_up_gets_ephemerals(instance: Instance, log: MemoryLog) -> None:
    await listener(instance, "open")
    log.append("open")
    ahead = await listener(instance, "open", "bob")
    instance.engine.announce(ephemeral("open", b"{}"))
    await idle()
    assert len(ahead.pushes("pub", "open")) == 1


async def test_joins_and_leaves_are_pushes_of_their_own_for_those_that_follow_them(instance: Instance) -> None:
    ann, eve = await listener(instance, "social"), await listener(instance, "open", "eve")
    for channel in ("social", "open"):
        for kind in (JOIN, LEAVE):
            instance.engine.announce(ephemeral(channel, b"", kind=kind, info=BOB))
    await idle()
    shown = {"info": {"user": "bob", "client": "client-2", "conn_info": {"name": "bob"}}}
    assert ann.pushes("join", "social") == ann.pushes("leave", "social") == [shown]
    assert eve.pushes("join", "open") == eve.pushes("leave", "open") == []


async def test_a_join_of_nobody_is_dropped(instance: Instance) -> None:
    """As it comes over a bus that does not carry whom it is about."""
    ann = await listener(instance, "social")
    instance.engine.announce(ephemeral("social", b"", kind=JOIN))
    await idle()
    assert ann.pushes("join", "social") == ann.pushes("pub", "social") == []


async def test_after_a_stall_ephemerals_are_dropped(application: OpenChannels) -> None:
    application.grants[LIVE] = Grant(has_log=False, recoverable=False, positioned=False)
    times = RepairTimes(hole_seconds=1e6, heads_seconds=1e6, stall_seconds=60)
    async with Instance(application, repair_times=times, limits=Limits(ping_seconds=100_000)) as instance:
        ann = await listener(instance)
        instance.engine.announce(ephemeral(LIVE, b'"before"'))
        await until(lambda: ann.pushes("pub", LIVE))
        instance.clock.pass_seconds(61)
        instance.engine.announce(ephemeral(LIVE, b'"stalled"'))
        await idle()
        assert ann.pushes("pub", LIVE) == [{"data": "before"}]


@pytest.fixture
async def two(log: MemoryLog) -> AsyncIterator[tuple[Instance, Instance]]:
    exchange = MemoryExchange()
    async with OnBus(log, exchange).running() as one, OnBus(log, exchange).running() as other:
        for instance in (one, other):
            instance.application.grants[LIVE] = Grant(has_log=False, recoverable=False, positioned=False)
        yield one, other


async def test_an_ephemeral_reaches_the_listeners_of_all_instances_once(two: tuple[Instance, Instance]) -> None:
    one, other = two
    ann, bob = await listener(one), await listener(other, user="bob")
    await idle()
    batch = ephemeral(LIVE, b'"a"')
    one.engine.announce(Batch(LIVE, "", batch.publications + ephemeral(LIVE, b'"b"').publications))
    await until(lambda: len(bob.pushes("pub", LIVE)) == 2)
    await idle()
    assert ann.pushes("pub", LIVE) == bob.pushes("pub", LIVE) == [{"data": "a"}, {"data": "b"}]


async def test_our_own_listeners_hear_an_ephemeral_though_the_bus_is_away(two: tuple[Instance, Instance]) -> None:
    one, _ = two
    ann = await listener(one)
    bus = one.engine._bus
    assert isinstance(bus, MemoryBus)
    await bus.close()
    one.engine.announce(ephemeral(LIVE, b"{}"))
    await idle()
    assert len(ann.pushes("pub", LIVE)) == 1
