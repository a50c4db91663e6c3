"""The hub with real sessions: every listener gets each publication once and in order."""

from chat_gateway.realtime.hub import Hub
from chat_gateway.realtime.publication import Position, ephemeral
from tests.builders import batch, publication
from tests.clients import Client, Instance, idle
from tests.fakes import MemoryLog, OpenChannels

ROOM = "room:r"


async def in_room(instance: Instance, user: str = "ann") -> Client:
    instance.application.members[ROOM].add(user)
    return await instance.connected(user)


async def test_a_publication_reaches_every_listener_of_its_channel_once(instance: Instance) -> None:
    ann, bob, eve = await in_room(instance), await in_room(instance, "bob"), await instance.connected("eve")
    instance.application.post(ROOM, b'{"text":"hi"}')
    await idle()
    assert ann.pushes("pub", ROOM) == [{"data": {"text": "hi"}, "offset": 1}]
    assert bob.offsets(ROOM) == [1]
    assert eve.offsets(ROOM) == []


async def test_the_echo_of_the_bus_is_dropped(instance: Instance) -> None:
    ann = await in_room(instance)
    posted = instance.application.post(ROOM)
    instance.hub.received(batch(ROOM, [posted]))
    await idle()
    assert ann.offsets(ROOM) == [1]


async def test_a_later_publication_waits_for_the_one_before(instance: Instance, log: MemoryLog) -> None:
    ann = await in_room(instance)
    one, two = log.append(ROOM), log.append(ROOM)
    instance.hub.received(batch(ROOM, [two]))
    assert ann.offsets(ROOM) == []
    instance.hub.received(batch(ROOM, [one]))
    await idle()
    assert ann.offsets(ROOM) == [1, 2]


async def test_a_batch_of_a_channel_nobody_listens_to_is_ignored(instance: Instance) -> None:
    instance.hub.received(batch("nobody", [1]))
    instance.hub.repaired("nobody", [publication(1)], "e1")
    instance.hub.give_up("nobody")
    instance.hub.detach((await instance.connected()).session, "nobody")
    assert instance.hub.channels() == ["user:ann"]


async def test_one_whose_snapshot_is_ahead_waits_and_misses_nothing(instance: Instance, log: MemoryLog) -> None:
    ann = await in_room(instance)
    missing = [log.append(ROOM), log.append(ROOM), log.append(ROOM)]
    bob = await in_room(instance, "bob")  # its snapshot is at 3, the hub at 0
    instance.hub.received(batch(ROOM, missing))
    instance.application.post(ROOM)
    await idle()
    assert bob.offsets(ROOM) == [4]
    assert ann.offsets(ROOM) == [1, 2, 3, 4]


async def test_a_hub_alone_works_without_bus_and_repair(application: OpenChannels) -> None:
    instance = Instance(application)
    instance.engine.hub = hub = Hub(application, "here")
    session = instance.client().session
    hub.attach(session, "open")
    hub.settle(session, "open", application.log.head("open"))
    hub.received(batch("open", [1, 3]))
    hub.received(batch("open", [2], epoch="e2"))
    hub.confirmed(["open"])
    assert hub.position("open") == Position(1, "e1")
    hub.leave(session, ["open"])
    assert hub.channels() == []


async def test_an_observer_hears_every_publication_once_and_in_order(instance: Instance, log: MemoryLog) -> None:
    await in_room(instance)
    heard: list[tuple[str, int]] = []
    instance.hub.observed_by(lambda channel, one: heard.append((channel, one.offset)))
    one, two = log.append(ROOM), log.append(ROOM)
    instance.hub.received(batch(ROOM, [two]))
    instance.hub.received(batch(ROOM, [one]))
    instance.hub.received(batch(ROOM, [one, two]))
    instance.hub.received(batch("nobody", [1]))
    instance.engine.announce(ephemeral(ROOM, b"{}"))
    assert heard == [(ROOM, 1), (ROOM, 2)]
