"""The engine as a whole: starting, ending, and two of them on one bus."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from chat_gateway.bus.memory_bus import MemoryBus, MemoryExchange
from chat_gateway.protocol import codes
from chat_gateway.realtime.limits import Limits
from chat_gateway.realtime.publication import Batch
from tests.builders import publication
from tests.clients import Instance, idle, token_of, until
from tests.fakes import MemoryLog, OpenChannels
from tests.instances import OnBus

ROOM = "room:r"


@pytest.fixture
async def two(log: MemoryLog) -> AsyncIterator[tuple[Instance, Instance]]:
    exchange = MemoryExchange()
    async with OnBus(log, exchange).running() as one, OnBus(log, exchange).running() as other:
        other.application.members = one.application.members
        yield one, other


async def test_a_commit_of_one_instance_reaches_the_clients_of_all(two: tuple[Instance, Instance]) -> None:
    one, other = two
    ann, bob = await one.connected(), await other.connected("bob")
    await ann.call(subscribe={"channel": "open"})
    await bob.call(subscribe={"channel": "open"})
    await idle()
    for _ in range(3):
        assert (await ann.call(publish={"channel": "open", "data": {}}))["publish"] == {}
        assert (await bob.call(publish={"channel": "open", "data": {}}))["publish"] == {}
    await until(lambda: len(ann.offsets("open")) == 6)
    await idle()
    assert ann.offsets("open") == bob.offsets("open") == [1, 2, 3, 4, 5, 6]


async def test_a_removal_at_one_instance_takes_the_user_off_at_the_other(two: tuple[Instance, Instance]) -> None:
    one, other = two
    one.application.members[ROOM].update(("ann", "bob"))
    ann, bob = await other.connected("ann"), await one.connected("bob")
    await idle()
    one.application.remove("ann", ROOM)
    one.application.post(ROOM)
    await until(lambda: ann.pushes("unsubscribe", ROOM))
    await idle()
    assert ann.offsets(ROOM) == [1]
    assert bob.offsets(ROOM) == [1, 2]


async def test_a_join_at_one_instance_subscribes_the_user_at_the_other(two: tuple[Instance, Instance]) -> None:
    one, other = two
    ann = await other.connected("ann")
    await idle()
    one.application.join("ann", ROOM)
    await until(lambda: ann.pushes("subscribe", ROOM))


async def test_the_bus_carries_only_what_somebody_listens_to(two: tuple[Instance, Instance]) -> None:
    one, _ = two
    ann = await one.connected()
    bus = one.engine._bus
    assert isinstance(bus, MemoryBus)
    await ann.call(subscribe={"channel": "open"})
    assert bus._wanted == {"user:ann", "open"}
    await ann.call(unsubscribe={"channel": "open"})
    assert bus._wanted == {"user:ann"}
    ann.lose()
    assert bus._wanted == set()


async def test_an_ended_session_closes_its_own_connections_only(instance: Instance) -> None:
    one = await instance.client().connect(token=token_of("ann", session="s1"))
    two = await instance.client().connect(token=token_of("ann", session="s2"))
    stranger = instance.client()
    instance.engine.end_sessions(frozenset({"s1"}))
    assert one.link.closed == (3503, "force disconnect")
    assert two.link.closed is None
    assert stranger.link.closed is None


async def test_an_ended_session_closes_a_connection_that_is_just_connecting(instance: Instance) -> None:
    gate = instance.application.gate("snapshot")
    client = instance.client()
    client.send(connect={"token": token_of("ann")})
    await gate.reached.wait()
    instance.engine.end_sessions(frozenset({"s1"}))
    gate.open()
    await idle()
    assert client.link.closed == (3503, "force disconnect")
    assert client.link.sent == []


async def test_a_withdrawn_key_sends_its_own_connections_for_a_new_token(instance: Instance) -> None:
    client, stranger = await instance.connected(), instance.client()
    instance.engine.end_key("another key")
    assert client.link.closed is None
    instance.engine.end_key("k")
    assert client.link.closed == (3014, "state invalidated")
    assert stranger.link.closed is None


async def test_draining_sends_everybody_away(application: OpenChannels) -> None:
    async with Instance(application, limits=Limits(spread_seconds=0.01)) as instance:
        clients = [await instance.connected() for _ in range(3)]
        silent = instance.client()
        draining = asyncio.create_task(instance.engine.drain())
        await asyncio.sleep(0)
        late = instance.client()
        await draining
        for client in (*clients, silent, late):
            assert client.link.closed == (3001, "shutdown")
        assert instance.nothing_attached()


async def test_draining_is_spread_over_the_limit(application: OpenChannels) -> None:
    async with Instance(application, limits=Limits(spread_seconds=1e6)) as instance:
        clients = [await instance.connected() for _ in range(2)]
        draining = asyncio.create_task(instance.engine.drain())
        await until(lambda: clients[0].link.closed)
        await idle()
        assert clients[1].link.closed is None
        draining.cancel()


async def test_draining_one_client_or_none_takes_no_time(application: OpenChannels) -> None:
    async with Instance(application, limits=Limits(spread_seconds=1e6)) as instance:
        await instance.engine.drain()
        client = await instance.connected()
        await instance.engine.drain()
        assert client.link.closed == (3001, "shutdown")


async def test_an_engine_that_does_not_run_takes_no_work(application: OpenChannels) -> None:
    instance = Instance(application)
    with pytest.raises(RuntimeError, match="not running"):
        instance.client().send(connect={"token": token_of("ann")})
    async with instance:
        await instance.connected()
    with pytest.raises(RuntimeError, match="not running"):
        instance.client().send(connect={"token": token_of("ann")})


async def test_a_commit_without_a_bus_reaches_our_own_clients(instance: Instance) -> None:
    client = await instance.connected()
    instance.engine.committed(Batch("user:ann", "e1", (publication(1),)))
    await until(lambda: client.offsets("user:ann") == [1])


async def test_closing_twice_tells_the_first_reason(instance: Instance) -> None:
    client = await instance.connected()
    client.session.close(codes.SLOW)
    client.session.close(codes.SHUTDOWN)
    assert client.link.closed == (3008, "slow")
