"""What ends with a subscription, and who is told."""

from collections.abc import AsyncIterator

import pytest

from chat_gateway.realtime.ports import Grant
from tests.clients import Client, Instance, idle, until
from tests.fakes import MemoryLog, OpenChannels

ROOM, LIVE = "room:r", "live:r"
SERVER, OUTDATED = {"code": 2000, "reason": "server unsubscribe"}, {"code": 2500, "reason": "insufficient state"}


@pytest.fixture
async def instance(application: OpenChannels) -> AsyncIterator[Instance]:
    """A room, and a channel that one may be on only while one is in the room."""
    application.grants[LIVE] = Grant(has_log=False, recoverable=False, positioned=False, within=ROOM)
    application.grants["notes:r"] = Grant(within=ROOM)
    async with Instance(application) as instance:
        application.committed = instance.engine.committed
        yield instance


async def in_room(instance: Instance) -> Client:
    instance.application.members[ROOM].add("ann")
    client = await instance.connected()
    assert "subscribe" in await client.call(subscribe={"channel": LIVE})
    return client


async def restored(instance: Instance, log: MemoryLog) -> None:
    """The room's log becomes another one, and the hub has heard of it."""
    log.append(ROOM)
    log.restore("e2", room_r=0)
    log.append(ROOM)
    instance.hub.confirmed([ROOM])
    await until(lambda: ROOM not in instance.hub.channels())


async def test_who_loses_the_outer_channel_loses_the_inner_one_at_that_moment(instance: Instance) -> None:
    client = await in_room(instance)
    instance.application.remove("ann", ROOM)
    assert instance.hub.channels() == ["user:ann"]
    await idle()
    assert client.pushes("unsubscribe", LIVE) == client.pushes("unsubscribe", ROOM) == [SERVER]
    reply = await client.call(subscribe={"channel": LIVE})
    assert reply["error"]["code"] == 103


async def test_a_loss_ends_an_inner_subscription_that_is_just_being_made(instance: Instance) -> None:
    instance.application.members[ROOM].add("ann")
    client = await instance.connected()
    gate = instance.application.gate("snapshot answered")
    subscribe = client.send(subscribe={"channel": "notes:r"})
    await gate.reached.wait()
    instance.application.remove("ann", ROOM)
    gate.open()
    await until(lambda: client.answered(subscribe))
    assert client.reply(subscribe)["error"]["code"] == 103
    assert instance.hub.channels() == ["user:ann"]


async def test_who_leaves_the_outer_channel_of_their_own_accord_loses_the_inner_one(instance: Instance) -> None:
    instance.application.members[ROOM].add("ann")
    client = await instance.connected(data={"rooms": False})
    await client.call(subscribe={"channel": ROOM})
    await client.call(subscribe={"channel": LIVE})
    await client.call(unsubscribe={"channel": ROOM})
    await until(lambda: client.pushes("unsubscribe", LIVE))
    assert client.pushes("unsubscribe", LIVE) == [SERVER]
    assert client.pushes("unsubscribe", ROOM) == []
    assert instance.hub.channels() == []


async def test_the_inner_channel_may_be_left_alone(instance: Instance) -> None:
    client = await in_room(instance)
    await client.call(unsubscribe={"channel": LIVE})
    assert set(instance.hub.channels()) == {"user:ann", ROOM}
    assert "subscribe" in await client.call(subscribe={"channel": LIVE})


async def test_in_another_epoch_the_inner_channel_is_silent_with_the_outer_one(
    instance: Instance, log: MemoryLog
) -> None:
    """Nobody would tell it of a loss any more."""
    instance.engine.random = lambda: 0.5
    client = await in_room(instance)
    await restored(instance, log)
    assert instance.hub.channels() == ["user:ann"]
    await client.call(unsubscribe={"channel": LIVE})
    reply = await client.call(subscribe={"channel": LIVE})
    assert reply["error"]["code"] == 100  # until the client has begun again in the outer one
    instance.pass_seconds(11)
    assert client.link.closed == (3010, "insufficient state")


async def test_in_another_epoch_a_client_is_sent_back_to_both_channels(instance: Instance, log: MemoryLog) -> None:
    instance.application.members[ROOM].add("ann")
    client = await instance.connected(data={"rooms": False})
    await client.call(subscribe={"channel": ROOM})
    await client.call(subscribe={"channel": LIVE})
    await restored(instance, log)
    instance.pass_seconds(1)
    await until(lambda: client.pushes("unsubscribe", ROOM))
    assert client.pushes("unsubscribe", ROOM) == client.pushes("unsubscribe", LIVE) == [OUTDATED]
    assert instance.hub.channels() == []


async def test_one_who_is_gone_by_then_is_told_nothing(instance: Instance, log: MemoryLog) -> None:
    client = await instance.connected()
    await client.call(subscribe={"channel": "open"})
    log.append("open")
    log.restore("e2", open=0)
    log.append("open")
    instance.hub.confirmed(["open"])
    await until(lambda: "open" not in instance.hub.channels())
    client.lose()
    instance.pass_seconds(2)
    assert instance.nothing_attached()


async def test_what_is_not_subscribed_cannot_be_outdated(instance: Instance) -> None:
    client = await instance.connected()
    client.session.outdated("open")
    instance.pass_seconds(2)
    assert client.link.closed is None


@pytest.mark.parametrize(("channel", "code"), [("", 107), ("x" * 256, 102)])
async def test_a_channel_without_a_name_or_with_an_endless_one_is_refused_and_nothing_ends_by_it(
    instance: Instance, channel: str, code: int
) -> None:
    client = await in_room(instance)
    before = dict(client.session.channels)
    assert (await client.call(subscribe={"channel": channel}))["error"]["code"] == code
    assert "unsubscribe" in await client.call(unsubscribe={"channel": channel})
    assert client.session.channels == before
    assert not any("unsubscribe" in message.get("push", {}) for message in client.link.messages())
