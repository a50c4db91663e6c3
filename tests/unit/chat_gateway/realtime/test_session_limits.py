"""The limits of one connection at their edges: the last that is allowed, the first that is not, and what is said."""

import json
from collections.abc import AsyncIterator

import pytest

from chat_gateway.protocol import codes
from chat_gateway.realtime.buckets import Rate
from chat_gateway.realtime.limits import Limits
from chat_gateway.realtime.refusals import Reason
from tests.clients import Instance, idle, until
from tests.counters import counting
from tests.fakes import OpenChannels

LIMIT = (codes.CONNECTION_LIMIT.code, codes.CONNECTION_LIMIT.reason)
RATE_LIMITED = {"code": 490, "message": "rate_limited retry_after=1", "temporary": True}


async def test_a_burst_of_commands_is_answered_and_the_next_is_refused_with_the_time_to_wait(
    instance: Instance,
) -> None:
    client = await instance.connected()
    with counting(Reason.COMMANDS, 1):
        ids = client.send_all(*[{"rpc": {"method": "echo", "data": {}}} for _ in range(100)])
        await until(lambda: all(map(client.answered, ids)))
    assert all("rpc" in client.reply(id_) for id_ in ids[:99])
    assert client.reply(ids[99])["error"] == RATE_LIMITED
    instance.clock.pass_seconds(0.1)
    assert "rpc" in await client.call(rpc={"method": "echo", "data": {}})
    assert (await client.call(rpc={"method": "echo", "data": {}}))["error"] == RATE_LIMITED


@pytest.fixture
async def unpinged(application: OpenChannels) -> AsyncIterator[Instance]:
    """An instance whose clock may be turned far without a pong being due."""
    async with Instance(application, limits=Limits(ping_seconds=100_000)) as instance:
        yield instance


async def test_a_command_each_tenth_of_a_second_is_never_refused(unpinged: Instance) -> None:
    client = await unpinged.connected()
    for _ in range(300):
        unpinged.clock.pass_seconds(0.1)
        assert "rpc" in await client.call(rpc={"method": "echo", "data": {}})


async def test_what_must_not_wait_is_never_refused_for_its_pace(application: OpenChannels) -> None:
    """An unsubscribe whose refusal makes SDKs connect anew, and the pong."""
    async with Instance(application, limits=Limits(commands=Rate(1, burst=2))) as instance:
        client = await instance.connected()
        await client.call(subscribe={"channel": "open"})
        assert (await client.call(rpc={"method": "echo"}))["error"]["message"] == "rate_limited retry_after=60"
        assert "unsubscribe" in await client.call(unsubscribe={"channel": "open"})
        assert instance.hub.channels() == ["user:ann"]
        instance.pass_seconds(13)
        await idle()
        assert client.pings() == 1
        client.send_raw(b"{}")
        instance.pass_seconds(9)
        assert client.link.closed is None


async def test_each_connection_has_a_pace_of_its_own(application: OpenChannels) -> None:
    async with Instance(application, limits=Limits(commands=Rate(1, burst=2))) as instance:
        clients = [await instance.connected() for _ in range(2)]
        for client in clients:
            assert "rpc" in await client.call(rpc={"method": "echo"})


async def test_too_fast_is_no_fault_however_often(instance: Instance) -> None:
    client = await instance.connected()
    ids = client.send_all(*[{"rpc": {"method": "echo"}} for _ in range(1_000)])
    await until(lambda: client.answered(ids[-1]))
    assert client.link.closed is None


async def test_a_breach_of_the_protocol_ends_the_connection_even_when_it_comes_too_fast(
    application: OpenChannels,
) -> None:
    async with Instance(application, limits=Limits(commands=Rate(1, burst=2))) as instance:
        client = await instance.connected()
        await client.call(rpc={"method": "echo"})
        client.send(connect={})
        assert client.link.closed == (3501, "bad request")


async def test_ten_unknown_commands_a_minute_are_answered_and_the_next_closes(instance: Instance) -> None:
    client = await instance.connected()
    with counting(Reason.FAULTS, 1):
        for _ in range(10):
            assert (await client.call(explode={}))["error"]["code"] == 107
        client.send(explode={})
    assert client.link.closed == (3509, "too many errors")


async def test_faults_of_the_last_minute_are_forgotten(unpinged: Instance) -> None:
    client = await unpinged.connected()
    for _ in range(3):
        for _ in range(10):
            await client.call(explode={})
        unpinged.clock.pass_seconds(60)
    assert client.link.closed is None


async def test_a_text_that_is_no_command_closes_at_once(instance: Instance) -> None:
    client = await instance.connected()
    with counting(Reason.MALFORMED, 1):
        client.send_raw(b"{")
    assert client.link.closed == (3501, "bad request")


@pytest.mark.parametrize(("levels", "is_read"), [(8, True), (9, False)])
async def test_json_of_eight_levels_is_read_and_of_nine_is_not(
    instance: Instance, levels: int, *, is_read: bool
) -> None:
    client = await instance.connected()
    nested = json.loads("[" * (levels - 2) + "]" * (levels - 2))
    client.send(rpc={"method": "echo", "data": nested})
    await idle()
    assert client.link.closed == (None if is_read else (3501, "bad request"))


async def test_a_connection_without_a_connect_command_is_closed_after_its_five_seconds(instance: Instance) -> None:
    client = instance.client()
    instance.pass_seconds(4.9)
    assert client.link.closed is None
    with counting(Reason.CONNECT_MISSING, 1):
        instance.pass_seconds(1.1)
    assert client.link.closed == (3502, "stale")


async def test_a_user_has_ten_connections_and_the_eleventh_ends_the_oldest(instance: Instance) -> None:
    clients = [await instance.connected() for _ in range(10)]
    bystander = await instance.connected("bob")
    assert [client.link.closed for client in clients] == [None] * 10
    with counting(Reason.SOCKETS_OF_USER, 1):
        clients.append(await instance.connected())
    assert [client.link.closed for client in clients] == [LIMIT, *[None] * 10]
    assert bystander.link.closed is None
    instance.application.post("user:ann")
    await idle()
    assert [client.offsets("user:ann") for client in clients] == [[], *[[1]] * 10]


async def test_a_connection_that_ended_makes_room(instance: Instance) -> None:
    clients = [await instance.connected() for _ in range(10)]
    clients[3].lose()
    await instance.connected()
    assert clients[0].link.closed is None


async def test_a_connection_that_is_not_told_yet_ends_nobody(instance: Instance) -> None:
    """Whoever cannot connect in the end must not have cost the user a tab that works."""
    clients = [await instance.connected() for _ in range(10)]
    instance.application.failures["snapshot"] = RuntimeError("a bug")
    failed = instance.client()
    assert (await failed.call(connect={"token": "ann/0/s1"}))["error"]["code"] == 100
    assert [client.link.closed for client in clients] == [None] * 10


async def test_many_connections_that_connect_at_once_leave_ten(instance: Instance) -> None:
    clients = [instance.client() for _ in range(25)]
    for client in clients:
        client.send(connect={"token": "ann/0/s1"})
    await idle()
    assert sum(client.link.closed is None for client in clients) == 10
    assert all(client.link.closed in (None, LIMIT) for client in clients)


async def test_json_may_be_nested_as_deep_as_the_limit_says(application: OpenChannels) -> None:
    async with Instance(application, limits=Limits(json_depth=5)) as instance:
        client = await instance.connected()
        assert "rpc" in await client.call(rpc={"method": "echo", "data": [[[]]]})
        client.send(rpc={"method": "echo", "data": [[[[]]]]})
        assert client.link.closed == (3501, "bad request")
