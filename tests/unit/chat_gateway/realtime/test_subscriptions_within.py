"""A channel within another: who is not on that one may not come, and tries again only where that is under way."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from chat_gateway.realtime.ports import Grant
from tests.clients import Client, Instance, idle, until
from tests.fakes import OpenChannels

ROOM, LIVE = "room:r", "live:r"
DENIED = {"code": 103, "message": "permission_denied"}
LATER = {"code": 100, "message": "unavailable", "temporary": True}


@pytest.fixture
async def instance(application: OpenChannels) -> AsyncIterator[Instance]:
    for room in ("r", "missing"):
        application.grants[f"live:{room}"] = Grant(
            has_log=False, recoverable=False, positioned=False, within=f"room:{room}"
        )
    async with Instance(application) as instance:
        application.committed = instance.engine.committed
        yield instance


async def answer(client: Client, channel: str = LIVE) -> Any:
    reply = await client.call(subscribe={"channel": channel})
    return reply.get("error")


async def test_a_private_room_and_a_missing_one_are_refused_alike(instance: Instance) -> None:
    instance.application.members[ROOM].add("bob")
    instance.application.post(ROOM)
    for data in ({}, {"rooms": False}):
        client = await instance.connected(data=data)
        before = len(instance.application.calls)
        assert await answer(client) == DENIED
        asked = instance.application.calls[before:]
        assert await answer(client, "live:missing") == DENIED
        assert instance.application.calls[before + len(asked) :] == asked  # nor does the time tell them apart
        assert LIVE not in client.session.channels


async def test_a_member_whose_gain_has_not_come_by_yet_tries_again(instance: Instance) -> None:
    """As where another instance let them in and the bus is slower than they are."""
    client = await instance.connected()
    instance.application.committed = lambda _batch: None
    instance.application.join("ann", ROOM)
    assert await answer(client) == LATER
    instance.hub.compare("user:ann", instance.application.log.head("user:ann"), instance.hub.reading())
    await until(lambda: client.pushes("subscribe", ROOM))
    assert await answer(client) is None


async def test_a_gain_that_comes_while_one_asks_is_good_enough(instance: Instance) -> None:
    client = await instance.connected()
    gate = instance.application.gate("snapshot answered")
    subscribe = client.send(subscribe={"channel": LIVE})
    await gate.reached.wait()
    instance.application.join("ann", ROOM)
    gate.open()
    await until(lambda: client.answered(subscribe))
    assert "subscribe" in client.reply(subscribe)


async def test_one_who_leaves_meanwhile_is_attached_to_nothing(instance: Instance) -> None:
    client = await instance.connected()
    gate = instance.application.gate("snapshot answered")
    client.send(subscribe={"channel": LIVE})
    await gate.reached.wait()
    client.lose()
    gate.open()
    await idle()
    assert instance.nothing_attached()


async def test_a_member_who_makes_their_own_subscriptions_has_to_subscribe_the_room_first(instance: Instance) -> None:
    instance.application.members[ROOM].add("ann")
    client = await instance.connected(data={"rooms": False})
    assert await answer(client) == DENIED
    await client.call(subscribe={"channel": ROOM})
    assert await answer(client) is None


@pytest.mark.parametrize(("first", "expected"), [(LIVE, LATER), (ROOM, None)])
async def test_both_in_one_message_come_to_both_in_the_end(instance: Instance, first: str, expected: Any) -> None:
    """SDKs that come back send their subscriptions in any order."""
    instance.application.members[ROOM].add("ann")
    client = await instance.connected(data={"rooms": False})
    channels = [first, ROOM if first == LIVE else LIVE]
    ids = dict(zip(channels, client.send_all(*({"subscribe": {"channel": one}} for one in channels)), strict=True))
    answered: Callable[[], bool] = lambda: all(map(client.answered, ids.values()))  # noqa: E731 - a condition
    await until(answered)
    assert client.reply(ids[LIVE]).get("error") == expected
    assert "subscribe" in client.reply(ids[ROOM])
    assert await answer(client) == (None if expected else {"code": 105, "message": "already_subscribed"})


async def test_a_room_that_is_refused_leaves_its_inner_channel_refused(instance: Instance) -> None:
    client = await instance.connected(data={"rooms": False})
    live, room = client.send_all({"subscribe": {"channel": LIVE}}, {"subscribe": {"channel": ROOM}})
    await until(lambda: client.answered(live) and client.answered(room))
    assert (client.reply(live)["error"], client.reply(room)["error"]) == (LATER, DENIED)
    assert await answer(client) == DENIED
