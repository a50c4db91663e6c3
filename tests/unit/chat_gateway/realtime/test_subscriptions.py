"""Subscribing and joining: recovery in and out of bounds, refusals, and joins that race with each other."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from chat_gateway.realtime.channel import MAX_HELD
from chat_gateway.realtime.limits import Limits
from shared.errors import Unavailable
from tests.builders import batch, head
from tests.clients import Client, Instance, idle, token_of, until
from tests.fakes import MemoryLog, OpenChannels

POSITION = {"recoverable": True, "positioned": True, "epoch": "e1"}
ROOM = "room:r"


@pytest.fixture
async def client(instance: Instance) -> Client:
    return await instance.connected()


async def recover(client: Client, offset: int, epoch: str = "e1", channel: str = "open") -> Any:
    reply = await client.call(subscribe={"channel": channel, "recover": True, "offset": offset, "epoch": epoch})
    return reply["subscribe"]


async def test_a_first_subscribe_begins_at_the_head(client: Client, log: MemoryLog) -> None:
    log.append("open")
    assert (await client.call(subscribe={"channel": "open"}))["subscribe"] == {**POSITION, "offset": 1}


async def test_a_subscribe_to_an_empty_channel_stands_at_nothing(client: Client) -> None:
    assert (await client.call(subscribe={"channel": "open"}))["subscribe"] == POSITION


async def test_what_was_missed_is_recovered_and_the_rest_follows_live(client: Client, log: MemoryLog) -> None:
    for _ in range(3):
        log.append("open")
    result = await recover(client, 1)
    client.engine.committed(batch("open", [log.append("open")]))
    await until(lambda: client.offsets("open"))
    assert (result["recovered"], result["was_recovering"], result["offset"]) == (True, True, 1)
    assert [one["offset"] for one in result["publications"]] == [2, 3]
    assert client.offsets("open") == [4]


async def test_nothing_missed_is_recovered_as_well(client: Client, log: MemoryLog) -> None:
    log.append("open")
    assert await recover(client, 1) == {**POSITION, "offset": 1, "recovered": True, "was_recovering": True}
    assert client.session.reserved == 0


async def test_an_empty_epoch_matches_any(client: Client, log: MemoryLog) -> None:
    log.append("open")
    assert (await recover(client, 0, epoch=""))["recovered"]


async def test_more_than_may_be_recovered_is_told_and_never_sent_in_part() -> None:
    log = MemoryLog(most_recovered=2)
    async with Instance(OpenChannels(log)) as instance:
        for _ in range(3):
            log.append("open")
        result = await recover(await instance.connected(), 0)
        assert result == {**POSITION, "offset": 3, "was_recovering": True}
        assert (await recover(await instance.connected(), 1))["recovered"]


@pytest.mark.parametrize(("offset", "epoch"), [(1, "e0"), (1, "_"), (7, "e1")])
async def test_a_position_of_another_log_is_not_recovered(
    client: Client, log: MemoryLog, offset: int, epoch: str
) -> None:
    log.append("open")
    assert await recover(client, offset, epoch) == {**POSITION, "offset": 1, "was_recovering": True}


async def test_an_instance_that_has_promised_enough_recovers_no_more(application: OpenChannels, log: MemoryLog) -> None:
    log.append("open")
    limits = Limits(recovery_bytes=100, instance_recovery_bytes=150)
    async with Instance(application, limits=limits) as instance:
        slow, other = await instance.connected(), await instance.connected("bob")
        slow.link.block()
        slow.session.outbox.put(slow.session.wrap(b"{}"))
        await until(lambda: slow.session.outbox.blocked)
        slow.send(subscribe={"channel": "open", "recover": True, "epoch": "e1"})
        await until(lambda: slow.session.reserved == 100)
        assert await recover(other, 0) == {**POSITION, "offset": 1, "was_recovering": True}
        assert other.session.reserved == 0
        slow.lose()
        await other.call(unsubscribe={"channel": "open"})
        assert (await recover(other, 0))["recovered"]


@pytest.mark.parametrize("blocked", ["blocked", ""])
async def test_refused_subscriptions_hold_no_reservation(instance: Instance, client: Client, blocked: str) -> None:
    """Or one client could take every other's recovery away by asking for what is not there."""
    whole = instance.engine.limits.instance_recovery_bytes
    if blocked:
        client.link.block()
        client.session.outbox.put(client.session.wrap(b"{}"))
        await until(lambda: client.session.outbox.blocked)
    for _ in range(3):
        before = instance.application.calls.count("snapshot answered")
        client.send(subscribe={"channel": ROOM, "recover": True, "epoch": "e1"})
        await until(lambda before=before: instance.application.calls.count("snapshot answered") > before)  # type: ignore[misc]
        await idle()
    instance.application.failures["snapshot"] = Unavailable("store_unavailable", "Try again.")
    client.send(subscribe={"channel": "open", "recover": True, "epoch": "e1"})
    await idle()
    assert instance.engine.recoveries._left == whole
    assert client.session.reserved == 0


async def test_a_channel_that_is_not_there_or_not_for_the_user_is_refused_alike(
    client: Client, instance: Instance
) -> None:
    instance.application.post(ROOM)
    for channel in (ROOM, "room:missing", "user:bob"):
        reply = await client.call(subscribe={"channel": channel})
        assert reply["error"] == {"code": 103, "message": "permission_denied"}
    assert instance.hub.channels() == ["user:ann"]


async def test_a_second_subscribe_is_refused(client: Client) -> None:
    await client.call(subscribe={"channel": "open"})
    for channel in ("open", "user:ann"):
        reply = await client.call(subscribe={"channel": channel})
        assert reply["error"] == {"code": 105, "message": "already_subscribed"}


@pytest.mark.parametrize("wish", [{"type": 1}, {"tf": {"key": "a"}}])
async def test_only_plain_streams_are_available(client: Client, wish: dict[str, Any]) -> None:
    reply = await client.call(subscribe={"channel": "open", **wish})
    assert reply["error"] == {"code": 108, "message": "not_available"}


async def test_a_subscribe_that_fails_leaves_nothing_attached(client: Client, instance: Instance) -> None:
    instance.application.failures["snapshot"] = Unavailable("store_unavailable", "Try again.")
    reply = await client.call(subscribe={"channel": "open"})
    assert reply["error"] == {"code": 100, "message": "store_unavailable", "temporary": True}
    assert instance.hub.channels() == ["user:ann"]


async def test_the_reply_comes_before_what_passed_meanwhile(client: Client, instance: Instance) -> None:
    gate = instance.application.gate("snapshot answered")
    subscribe = client.send(subscribe={"channel": "open"})
    await gate.reached.wait()
    instance.application.post("open")
    instance.application.post("open")
    gate.open()
    await until(lambda: client.answered(subscribe))
    assert [message.get("id") for message in client.link.messages()[-3:]] == [subscribe, None, None]
    assert client.offsets("open") == [1, 2]


async def test_a_snapshot_that_another_connection_has_overtaken_is_read_again(
    client: Client, instance: Instance
) -> None:
    gate = instance.application.gate("snapshot answered")
    subscribe = client.send(subscribe={"channel": "open"})
    await gate.reached.wait()
    instance.application.post("open")
    bob = await instance.connected("bob")
    await bob.call(subscribe={"channel": "open"})
    gate.open()
    await until(lambda: client.answered(subscribe))
    instance.application.post("open")
    await idle()
    assert client.reply(subscribe)["subscribe"] == {**POSITION, "offset": 1}
    assert client.offsets("open") == [2]


async def test_a_channel_that_always_moves_on_is_given_up(client: Client, instance: Instance) -> None:
    """Each time the snapshot is on its way, more passes than a joining buffer takes."""
    bob = await instance.connected("bob")
    await bob.call(subscribe={"channel": "open"})
    gate = instance.application.gate("snapshot answered")
    subscribe = client.send(subscribe={"channel": "open"})
    for round_ in range(5):
        await gate.reached.wait()
        for _ in range(MAX_HELD + 1):
            instance.application.post("open")
        passed, gate = gate, instance.application.gate("snapshot answered")
        passed.open()
        assert not client.answered(subscribe), round_
    await until(lambda: client.answered(subscribe))
    assert client.reply(subscribe)["error"] == {"code": 100, "message": "unavailable", "temporary": True}
    assert instance.hub._channels["open"].joining == {}


async def test_a_joining_buffer_that_overflowed_begins_anew(client: Client, instance: Instance) -> None:
    bob = await instance.connected("bob")
    await bob.call(subscribe={"channel": "open"})
    gate = instance.application.gate("snapshot answered")
    subscribe = client.send(subscribe={"channel": "open"})
    await gate.reached.wait()
    for _ in range(MAX_HELD + 1):
        instance.application.post("open")
    again = instance.application.gate("snapshot answered")
    gate.open()
    await again.reached.wait()
    instance.application.post("open")
    again.open()
    await until(lambda: client.answered(subscribe))
    assert client.reply(subscribe)["subscribe"]["offset"] == MAX_HELD + 1
    assert client.offsets("open") == [MAX_HELD + 2]


async def test_a_gain_that_cannot_be_read_sends_the_client_back(client: Client, instance: Instance) -> None:
    instance.application.failures["snapshot"] = Unavailable("store_unavailable", "Try again.")
    instance.application.join("ann", ROOM)
    await until(lambda: client.link.closed)
    assert client.link.closed == (3010, "insufficient state")
    assert instance.nothing_attached()


async def test_an_unexpected_failure_of_a_gain_does_not_end_the_engine(client: Client, instance: Instance) -> None:
    bob = await instance.connected("bob")
    instance.application.failures["snapshot"] = RuntimeError("a bug")
    instance.application.join("ann", ROOM)
    await until(lambda: client.link.closed)
    assert (await bob.call(rpc={"method": "echo", "data": 1}))["rpc"] == {"data": 1}


async def test_a_refused_subscribe_to_a_room_gained_meanwhile_is_made_good(client: Client, instance: Instance) -> None:
    gate = instance.application.gate("snapshot answered")
    subscribe = client.send(subscribe={"channel": ROOM})
    await gate.reached.wait()
    instance.application.join("ann", ROOM)
    gate.open()
    await until(lambda: client.answered(subscribe))
    assert client.reply(subscribe)["error"]["code"] == 103
    await until(lambda: client.pushes("subscribe", ROOM))


async def test_a_client_may_ask_for_no_server_side_subscriptions(instance: Instance) -> None:
    instance.application.members[ROOM].add("ann")
    client = await instance.connected(data={"rooms": False})
    await idle()
    assert client.session.channels == {}
    assert instance.hub.channels() == []
    assert client.pushes("subscribe", ROOM) == []
    instance.application.join("ann", "room:other")
    await idle()
    assert "subscribe" in await client.call(subscribe={"channel": ROOM})
    assert len(instance.hub._membership.users) == 1


async def test_connections_that_come_and_go_at_once_leave_nothing_attached(instance: Instance) -> None:
    for number in range(5):
        instance.application.members[f"room:{number}"].update(("ann", "bob"))
    clients = [instance.client() for _ in range(10)]
    for number, client in enumerate(clients):
        client.send(connect={"token": token_of("ann" if number % 2 else "bob")})
        for _ in range(number):
            await asyncio.sleep(0)
        instance.application.post("room:1")
        clients[number // 2].lose()
    instance.application.remove("ann", "room:2")
    for client in clients:
        client.lose()
    await idle()
    assert instance.nothing_attached()


@pytest.fixture
async def two(log: MemoryLog) -> AsyncIterator[tuple[Instance, Instance]]:
    """Two instances on one log, with no bus between them."""
    application = OpenChannels(log)
    async with Instance(application) as one, Instance(application) as other:
        application.committed = one.engine.committed
        yield one, other


async def test_what_another_instance_committed_before_the_snapshot_is_in_it(
    two: tuple[Instance, Instance], log: MemoryLog
) -> None:
    one, other = two
    for _ in range(3):
        one.application.post("open")
    client = await other.connected()
    assert (await client.call(subscribe={"channel": "open"}))["subscribe"]["offset"] == 3
    one.application.post("open")
    other.hub.compare("open", head(4), other.hub.reading())
    await until(lambda: client.offsets("open") == [4])
