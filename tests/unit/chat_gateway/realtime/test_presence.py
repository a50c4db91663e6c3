"""What the engine tells whoever keeps presence, and what it answers of it."""

from collections.abc import AsyncIterator

import pytest

from chat_gateway.protocol.frames import ClientInfo
from chat_gateway.realtime.ports import Grant
from chat_gateway.realtime.presence import NoPresence
from tests.builders import NOW, user
from tests.clients import Client, Instance, idle, token_of, until
from tests.fakes import OpenChannels
from tests.memory_presence import MemoryPresence

ROOM = "room:r"
ANN = ClientInfo("ann", "client-1")


@pytest.fixture
def presence() -> MemoryPresence:
    return MemoryPresence()


@pytest.fixture
async def instance(application: OpenChannels, presence: MemoryPresence) -> AsyncIterator[Instance]:
    application.grants["hall"] = Grant(presence=True, join_leave=True, chan_info=b'{"seat":1}')
    application.grants[ROOM] = Grant(presence=True)
    async with Instance(application, presence=presence) as instance:
        application.committed = instance.engine.committed
        yield instance


async def in_hall(instance: Instance, user: str = "ann") -> Client:
    client = await instance.connected(user)
    assert "subscribe" in await client.call(subscribe={"channel": "hall"})
    return client


async def test_an_engine_without_presence_is_told_nothing_and_answers_so(application: OpenChannels) -> None:
    nobody = NoPresence()
    nobody.connected(ANN)
    nobody.joined("hall", ANN)
    nobody.left("hall", ANN)
    nobody.disconnected(ANN)
    async with Instance(application) as instance:
        client = await instance.connected()
        reply = await client.call(presence={"channel": "hall"})
        assert reply["error"] == {"code": 108, "message": "not_available"}


async def test_coming_and_going_is_told_once_each(instance: Instance, presence: MemoryPresence) -> None:
    client = await in_hall(instance)
    await client.call(unsubscribe={"channel": "hall"})
    await client.call(subscribe={"channel": "hall"})
    client.lose()
    assert presence.said == [
        "ann connected",
        "ann joined hall",
        "ann left hall",
        "ann joined hall",
        "ann left hall",
        "ann disconnected",
    ]


async def test_subscriptions_without_presence_are_not_told(instance: Instance, presence: MemoryPresence) -> None:
    client = await instance.connected()
    await client.call(subscribe={"channel": "open"})
    assert presence.said == ["ann connected"]


async def test_one_who_was_never_greeted_does_not_leave(instance: Instance, presence: MemoryPresence) -> None:
    client = instance.client()
    client.lose()
    gate = instance.application.gate("snapshot")
    other = instance.client()
    other.send(connect={"token": token_of("ann")})
    await gate.reached.wait()
    other.lose()
    gate.open()
    await idle()
    assert presence.said == []


async def test_server_side_subscriptions_are_told_behind_the_connect(
    instance: Instance, presence: MemoryPresence
) -> None:
    instance.application.members[ROOM].add("ann")
    client = await instance.connected()
    instance.application.remove("ann", ROOM)
    await until(lambda: client.pushes("unsubscribe", ROOM))
    assert presence.said == ["ann connected", f"ann joined {ROOM}", f"ann left {ROOM}"]


async def test_what_is_announced_at_a_join_reaches_the_one_who_joins_behind_the_reply(
    instance: Instance, presence: MemoryPresence
) -> None:
    presence.announce = instance.engine.announce
    client = await in_hall(instance)
    await idle()
    (join,) = client.pushes("join", "hall")
    assert join["info"]["user"] == "ann"
    assert "subscribe" in client.link.messages()[-2]


async def test_clients_are_answered_who_is_there_and_how_many(instance: Instance) -> None:
    ann, again = await in_hall(instance), await in_hall(instance)
    bob = await in_hall(instance, "bob")
    reply = await ann.call(presence={"channel": "hall"})
    assert reply["presence"]["presence"] == {
        client.session.client_id: {
            "user": client.session.user_id,
            "client": client.session.client_id,
            "conn_info": {"name": client.session.user_id},
            "chan_info": {"seat": 1},
        }
        for client in (ann, again, bob)
    }
    reply = await ann.call(presence_stats={"channel": "hall"})
    assert reply["presence_stats"] == {"num_clients": 3, "num_users": 2}


async def test_not_to_know_is_not_that_nobody_is_there(instance: Instance, presence: MemoryPresence) -> None:
    client = await in_hall(instance)
    presence.down = True
    reply = await client.call(presence={"channel": "hall"})
    assert reply["error"] == {"code": 100, "message": "unavailable", "temporary": True}


async def test_who_may_not_know_is_refused(instance: Instance) -> None:
    client = await instance.connected()
    for command in ("presence", "presence_stats"):
        reply = await client.call(**{command: {"channel": "secret"}})
        assert reply["error"] == {"code": 440, "message": "room_not_found"}


async def test_what_is_shown_of_a_client_stays_though_its_token_is_renewed(
    instance: Instance, presence: MemoryPresence
) -> None:
    client = await in_hall(instance)
    await client.call(refresh={"token": token_of("ann", expires_at=int(NOW) + 900, session="s2")})
    client.lose()
    present = await presence.of(user(), "hall")
    assert present.num_clients == 0
