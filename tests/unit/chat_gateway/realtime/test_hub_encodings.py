"""A publication that one encoding can carry and another cannot: who listens in that one is sent away for good."""

import pytest
from msgspec import Raw
from typing_extensions import override

from chat_gateway.protocol.checked_json_codec import CHECKED_JSON, CheckedJsonCodec
from chat_gateway.protocol.codec import Codec
from chat_gateway.protocol.frames import ClientInfo
from chat_gateway.protocol.protobuf_codec import PROTOBUF
from chat_gateway.realtime.ports import Grant
from chat_gateway.realtime.publication import JOIN, ephemeral
from tests.builders import batch
from tests.clients import Client, Instance, idle, until
from tests.fakes import MemoryLog, OpenChannels
from tests.listeners import Bystander
from tests.memory_presence import MemoryPresence

INAPPROPRIATE = (3506, "inappropriate protocol")
ROOM = "room:r"
BYTES = b"\x00\xff"
SIGNED = ClientInfo("bob", "c", conn_info=BYTES)


class Binary(Bystander):
    """Takes anything."""

    codec: Codec = PROTOBUF

    def __init__(self) -> None:
        self.taken: list[bytes] = []

    @override
    def put(self, frame: bytes) -> None:
        self.taken.append(frame)

    @override
    def put_ephemeral(self, frame: bytes) -> None:
        self.taken.append(frame)

    @override
    def follows(self, channel: str) -> bool:
        return True


class Counting(CheckedJsonCodec):
    def __init__(self) -> None:
        self.looks = 0

    @override
    def _raw(self, data: bytes) -> Raw:
        self.looks += 1
        return super()._raw(data)


async def listening(instance: Instance, codec: Codec = CHECKED_JSON, channel: str = "open") -> Client:
    client = await instance.client(codec).connect()
    assert "subscribe" in await client.call(subscribe={"channel": channel})
    return client


async def test_who_cannot_be_told_is_closed_behind_what_came_before(instance: Instance) -> None:
    clients = [await listening(instance) for _ in range(3)]
    binary = Binary()
    instance.hub.attach(binary, "open")
    instance.hub.settle(binary, "open", instance.application.log.head("open"))
    entries = [instance.application.log.append("open", data) for data in (b"1", BYTES, b"2", BYTES)]
    instance.hub.received(batch("open", entries))
    await idle()
    for client in clients:
        assert client.offsets("open") == [1]
        assert client.link.closed == INAPPROPRIATE
    assert len(binary.taken) == 4
    assert instance.hub.channels() == ["open"]
    assert not instance.engine.sessions


async def test_the_data_is_looked_at_once_for_all_who_take_the_same_bytes(instance: Instance) -> None:
    codec = Counting()
    for _ in range(3):
        await listening(instance, codec)
    before = codec.looks
    instance.application.post("open", b"1")
    assert codec.looks == before + 1


async def test_one_who_is_joining_is_told_of_its_subscription_and_closed(instance: Instance) -> None:
    client = await instance.client(CHECKED_JSON).connect()
    gate = instance.application.gate("snapshot answered")
    subscribe = client.send(subscribe={"channel": "open"})
    await gate.reached.wait()
    for data in (b"1", BYTES, b"2"):
        instance.application.post("open", data)
    gate.open()
    await until(lambda: client.link.closed)
    await idle()
    assert "subscribe" in client.reply(subscribe)
    assert (client.offsets("open"), client.link.closed) == ([1], INAPPROPRIATE)
    assert instance.nothing_attached()


@pytest.mark.parametrize(
    "command",
    [
        {"subscribe": {"channel": "open", "recover": True, "epoch": "e1"}},
        {"history": {"channel": "open", "limit": 10}},
    ],
)
async def test_a_reply_that_cannot_be_told_ends_the_connection_instead(
    instance: Instance, log: MemoryLog, command: dict[str, object]
) -> None:
    log.append("open", BYTES)
    client = await instance.client(CHECKED_JSON).connect()
    id_ = client.send(**command)
    await until(lambda: client.link.closed)
    await idle()
    assert client.link.closed == INAPPROPRIATE
    assert not client.answered(id_)
    assert instance.nothing_attached()


async def test_a_connect_whose_recovery_cannot_be_told_ends_the_connection(instance: Instance, log: MemoryLog) -> None:
    instance.application.members[ROOM].add("ann")
    log.append(ROOM, BYTES)
    client = instance.client(CHECKED_JSON)
    client.send(connect={"token": "ann/0/s1", "subs": {ROOM: {"recover": True, "epoch": "e1"}}})
    await until(lambda: client.link.closed)
    assert (client.link.closed, client.link.messages()) == (INAPPROPRIATE, [])
    assert instance.nothing_attached()


async def test_a_gain_that_cannot_be_told_ends_one_connection_and_not_the_engine(instance: Instance) -> None:
    instance.application.grants[ROOM] = Grant(data=BYTES)
    bob = await listening(instance)
    client = await instance.client(CHECKED_JSON).connect("carol")
    instance.application.join("carol", ROOM)
    await until(lambda: client.link.closed)
    assert client.link.closed == INAPPROPRIATE
    assert (await bob.call(rpc={"method": "echo", "data": 1}))["rpc"] == {"data": 1}


async def test_a_join_that_cannot_be_told_closes_only_those_who_follow_joins(instance: Instance) -> None:
    instance.application.grants["social"] = Grant(join_leave=True)
    clients = [await listening(instance, channel="social") for _ in range(2)]
    indifferent = await listening(instance)
    binary = Binary()
    for channel in ("social", "open"):
        instance.hub.attach(binary, channel)
        instance.hub.settle(binary, channel, instance.application.log.head(channel))
        instance.engine.announce(ephemeral(channel, b"", kind=JOIN, info=SIGNED))
    await idle()
    assert [client.link.closed for client in clients] == [INAPPROPRIATE, INAPPROPRIATE]
    assert indifferent.link.closed is None
    assert len(binary.taken) == 2


async def test_one_that_is_closed_by_its_own_join_was_there_and_left(application: OpenChannels) -> None:
    application.grants["social"] = Grant(presence=True, join_leave=True, chan_info=BYTES)
    presence = MemoryPresence()
    async with Instance(application, presence=presence) as instance:
        presence.announce = instance.engine.announce
        client = await instance.client(CHECKED_JSON).connect()
        client.send(subscribe={"channel": "social"})
        await until(lambda: client.link.closed)
        await idle()
        assert client.link.closed == INAPPROPRIATE
        assert instance.nothing_attached()
    assert presence.said == ["ann connected", "ann joined social", "ann left social", "ann disconnected"]
