"""However and whenever a session ends, nothing of it stays attached."""

import json

import pytest

from tests.clients import Instance, idle, token_of

BAD_REQUEST = (3501, "bad request")
ROOM = "room:r"


@pytest.mark.parametrize("stage", ["verify", "channels_of", "channels_of answered", "snapshot", "snapshot answered"])
@pytest.mark.parametrize("fails", ["and fails", ""])
async def test_a_connection_lost_in_the_middle_of_connect_leaves_nothing_attached(
    instance: Instance, stage: str, fails: str
) -> None:
    instance.application.members[ROOM].add("ann")
    gate = instance.application.gate(stage)
    if fails:
        instance.application.failures[stage] = RuntimeError("a bug")
    client = instance.client()
    client.send(connect={"token": token_of("ann")})
    await gate.reached.wait()
    client.lose()
    assert instance.nothing_attached()
    gate.open()
    await idle()
    assert instance.nothing_attached()
    assert client.link.sent == []


@pytest.mark.parametrize("stage", ["snapshot", "snapshot answered"])
@pytest.mark.parametrize("fails", ["and fails", ""])
async def test_a_connection_lost_in_the_middle_of_subscribe_leaves_nothing_attached(
    instance: Instance, stage: str, fails: str
) -> None:
    client = await instance.connected()
    gate = instance.application.gate(stage)
    if fails:
        instance.application.failures[stage] = RuntimeError("a bug")
    client.send(subscribe={"channel": "open", "recover": True, "epoch": "e1"})
    await gate.reached.wait()
    client.lose()
    assert instance.nothing_attached()
    gate.open()
    await idle()
    assert instance.nothing_attached()
    assert instance.engine.recoveries._left == instance.engine.limits.instance_recovery_bytes


@pytest.mark.parametrize("stage", ["snapshot", "snapshot answered"])
async def test_a_connection_lost_in_the_middle_of_a_gain_leaves_nothing_attached(
    instance: Instance, stage: str
) -> None:
    client = await instance.connected()
    gate = instance.application.gate(stage)
    instance.application.join("ann", ROOM)
    await gate.reached.wait()
    client.lose()
    assert instance.nothing_attached()
    gate.open()
    await idle()
    assert instance.nothing_attached()


async def test_another_connection_of_the_channel_outlives_one_that_is_lost_while_joining(instance: Instance) -> None:
    bob = await instance.connected("bob")
    await bob.call(subscribe={"channel": "open"})
    ann = await instance.connected()
    gate = instance.application.gate("snapshot answered")
    ann.send(subscribe={"channel": "open"})
    await gate.reached.wait()
    ann.lose()
    gate.open()
    instance.application.post("open")
    await idle()
    assert bob.offsets("open") == [1]
    assert ann.offsets("open") == []


async def test_a_client_that_does_not_connect_in_time_is_stale(instance: Instance) -> None:
    client = instance.client()
    instance.pass_seconds(4)
    assert client.link.closed is None
    instance.pass_seconds(2)
    assert client.link.closed == (3502, "stale")
    assert instance.nothing_attached()


async def test_a_client_whose_connect_was_refused_is_stale_in_time(instance: Instance) -> None:
    client = instance.client()
    await client.call(connect={"token": ""})
    instance.pass_seconds(6)
    assert client.link.closed == (3502, "stale")


async def test_a_client_whose_connect_takes_us_too_long_may_come_back(instance: Instance) -> None:
    """3502 would tell it to stay away for good, and it has done nothing wrong."""
    gate = instance.application.gate("snapshot")
    client = instance.client()
    client.send(connect={"token": token_of("ann")})
    await gate.reached.wait()
    instance.pass_seconds(6)
    assert client.link.closed == (3004, "internal server error")
    gate.open()
    await idle()
    assert instance.nothing_attached()


async def test_a_connected_client_is_not_stale(instance: Instance) -> None:
    client = await instance.connected()
    instance.pass_seconds(6)
    assert client.link.closed is None


async def test_what_is_queued_is_written_before_the_end(instance: Instance) -> None:
    client = await instance.connected()
    client.send_all({"x": 1}, {"ping": {}})
    assert client.link.closed == BAD_REQUEST
    assert client.link.messages()[-1]["error"]["code"] == 107


async def test_a_client_too_slow_for_its_outbox_is_closed(instance: Instance) -> None:
    client = await instance.connected()
    await client.call(subscribe={"channel": "open"})
    client.link.block()
    for _ in range(5):
        instance.application.post("open", json.dumps("x" * 65_000).encode())
        await idle()
    assert client.link.closed is None
    instance.application.post("open", json.dumps("x" * 65_000).encode())
    await idle()
    assert client.link.closed == (3008, "slow")
    assert instance.nothing_attached()


async def test_bytes_held_a_second_after_a_removal_end_the_connection(instance: Instance) -> None:
    instance.application.members[ROOM].add("ann")
    client = await instance.connected()
    client.link.block()
    instance.application.post(ROOM)
    await idle()
    instance.application.remove("ann", ROOM)
    await idle()
    instance.pass_seconds(2)
    assert client.link.aborted
    assert instance.nothing_attached()
    instance.pass_seconds(20)


async def test_a_removal_does_not_end_a_connection_that_takes_its_bytes(instance: Instance) -> None:
    instance.application.members[ROOM].add("ann")
    client = await instance.connected()
    instance.application.remove("ann", ROOM)
    await idle()
    instance.pass_seconds(2)
    assert not client.link.aborted
    assert client.link.closed is None


async def test_a_connection_that_ended_is_not_aborted_for_a_removal(instance: Instance) -> None:
    instance.application.members[ROOM].add("ann")
    client = await instance.connected()
    client.link.block()
    instance.application.remove("ann", ROOM)
    await idle()
    client.lose()
    instance.pass_seconds(2)
    assert not client.link.aborted


async def test_a_link_may_be_aborted_after_the_end(instance: Instance) -> None:
    client = await instance.connected()
    client.session.abort()
    client.session.abort()
    assert client.link.aborted
    assert instance.nothing_attached()


async def test_a_link_that_reports_after_the_end_keeps_nothing(instance: Instance) -> None:
    client = await instance.connected()
    client.lose()
    client.session.writable(False)
    client.session.send(b"{}")
    assert instance.engine.flusher._slow == {}
    assert client.session.outbox.size == 0
