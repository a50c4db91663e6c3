"""What becomes of listeners when a log turns out to be another one."""

from chat_gateway.realtime.limits import Limits
from tests.builders import batch, publication
from tests.clients import Client, Instance, idle, token_of, until
from tests.fakes import MemoryLog, OpenChannels

ROOM = "room:r"


async def in_room(instance: Instance, user: str = "ann") -> Client:
    instance.application.members[ROOM].add(user)
    return await instance.connected(user)


async def test_another_epoch_closes_a_server_side_subscription(instance: Instance, log: MemoryLog) -> None:
    ann = await in_room(instance)
    instance.application.post(ROOM)
    log.restore("e2", room_r=1)
    instance.hub.confirmed([ROOM])
    await until(lambda: len(log.asked))
    instance.pass_seconds(2)
    assert ann.link.closed == (3010, "insufficient state")
    assert ann.offsets(ROOM) == [1]


async def test_another_epoch_ends_a_client_side_subscription(instance: Instance, log: MemoryLog) -> None:
    ann = await instance.connected()
    await ann.call(subscribe={"channel": "open"})
    instance.application.post("open")
    log.restore("e2", open=0)
    instance.hub.confirmed(["open"])
    await until(lambda: "open" not in instance.hub.channels())
    instance.pass_seconds(1)
    await until(lambda: ann.pushes("unsubscribe", "open"))
    assert ann.pushes("unsubscribe", "open") == [{"code": 2500, "reason": "insufficient state"}]
    assert ann.link.closed is None
    reply = await ann.call(subscribe={"channel": "open", "recover": True, "offset": 1, "epoch": "e1"})
    assert reply["subscribe"] == {
        "recoverable": True, "positioned": True, "epoch": "e2", "was_recovering": True
    }  # fmt: skip


async def test_a_client_of_the_old_epoch_gets_nothing_of_the_new_one(application: OpenChannels, log: MemoryLog) -> None:
    """It would take the new log's offsets for positions in the old one; its close may be many seconds away."""
    async with Instance(application) as instance:
        instance.engine.random = lambda: 0.5
        application.committed = instance.engine.committed
        ann = await in_room(instance)
        application.post(ROOM)
        log.restore("e2", room_r=0)
        instance.hub.confirmed([ROOM])
        await until(lambda: len(log.asked))
        await idle()
        application.post(ROOM)
        await idle()
        assert ann.link.closed is None
        assert ann.offsets(ROOM) == [1]
        assert ann.session.channels[ROOM].by_server
        instance.pass_seconds(11)
        assert ann.link.closed == (3010, "insufficient state")
        assert instance.nothing_attached()


async def test_closes_for_another_epoch_are_spread_by_connection_and_not_by_channel(
    application: OpenChannels, log: MemoryLog
) -> None:
    async with Instance(application, limits=Limits(spread_seconds=20)) as instance:
        draws = iter([0.9, 0.1, 0.2, 0.3])
        for number in range(4):
            application.members[f"room:{number}"].add("ann")
            log.append(f"room:{number}")
        ann = await instance.connected()
        instance.engine.random = lambda: next(draws)
        log.restore("e2", room_0=1, room_1=1, room_2=1, room_3=1)
        instance.hub.confirmed([f"room:{number}" for number in range(4)])
        await until(lambda: len(log.asked))
        await idle()
        instance.pass_seconds(17)
        assert ann.link.closed is None
        instance.pass_seconds(3)
        assert ann.link.closed == (3010, "insufficient state")


async def test_ends_of_client_side_subscriptions_are_spread_and_nothing_comes_until_then(
    application: OpenChannels, log: MemoryLog
) -> None:
    async with Instance(application, limits=Limits(spread_seconds=20)) as instance:
        draws = iter([0.2, 0.8])
        application.committed = instance.engine.committed
        clients = [await instance.connected() for _ in range(2)]
        for client in clients:
            await client.call(subscribe={"channel": "open"})
        instance.engine.random = lambda: next(draws)
        log.append("open")
        log.restore("e2", open=0)
        log.append("open")
        instance.hub.confirmed(["open"])
        await until(lambda: "open" not in instance.hub.channels())
        application.post("open")
        ended = []
        for _ in range(4):
            instance.pass_seconds(5)
            await idle()
            ended.append([len(client.pushes("unsubscribe", "open")) for client in clients])
        assert ended == [[1, 0], [1, 0], [1, 0], [1, 1]]
        assert [client.offsets("open") for client in clients] == [[], []]


async def test_a_client_that_begins_again_of_its_own_accord_is_not_told_to(instance: Instance, log: MemoryLog) -> None:
    ann = await instance.connected()
    await ann.call(subscribe={"channel": "open"})
    log.append("open")
    log.restore("e2", open=0)
    log.append("open")
    instance.hub.confirmed(["open"])
    await until(lambda: "open" not in instance.hub.channels())
    await ann.call(unsubscribe={"channel": "open"})
    assert (await ann.call(subscribe={"channel": "open"}))["subscribe"]["epoch"] == "e2"
    instance.pass_seconds(2)
    await idle()
    assert ann.pushes("unsubscribe", "open") == []
    instance.application.post("open")
    await until(lambda: ann.offsets("open") == [2])


async def test_a_batch_of_another_epoch_is_not_relayed_but_checked(instance: Instance, log: MemoryLog) -> None:
    ann = await in_room(instance)
    instance.application.post(ROOM)
    instance.hub.received(batch(ROOM, [2], epoch="old"))
    await until(lambda: len(log.asked))
    instance.application.post(ROOM)
    await idle()
    assert log.asked == [[ROOM]]
    assert ann.offsets(ROOM) == [1, 2]
    assert ann.link.closed is None


async def test_a_snapshot_of_another_epoch_is_believed(instance: Instance, log: MemoryLog) -> None:
    ann = await in_room(instance)
    instance.application.post(ROOM)
    log.restore("e2", room_r=1)
    bob = await in_room(instance, "bob")
    instance.application.post(ROOM)
    await idle()
    assert bob.offsets(ROOM) == [2]
    instance.pass_seconds(2)
    assert ann.link.closed == (3010, "insufficient state")
    assert ann.offsets(ROOM) == [1]


async def test_one_who_waits_is_told_of_another_epoch_as_well(instance: Instance, log: MemoryLog) -> None:
    await in_room(instance, "bob")
    log.append(ROOM)
    ann = await in_room(instance)
    log.restore("e2", room_r=1)
    await in_room(instance, "eve")
    instance.pass_seconds(2)
    assert ann.link.closed == (3010, "insufficient state")


async def test_what_is_read_of_the_old_epoch_after_a_change_is_not_delivered(instance: Instance) -> None:
    ann = await in_room(instance)
    instance.application.post(ROOM)
    assert not instance.hub.repaired(ROOM, [publication(2)], "e0")
    await idle()
    assert ann.offsets(ROOM) == [1]


async def test_a_snapshot_read_before_another_epoch_began_is_read_again(instance: Instance, log: MemoryLog) -> None:
    """Epochs have no order: believed, it would bring the old log back and send everybody away a second time."""
    ann = await in_room(instance)
    instance.application.post(ROOM)
    gate = instance.application.gate("snapshot answered")
    late = instance.client()
    instance.application.members[ROOM].add("bob")
    id_ = late.send(connect={"token": token_of("bob")})
    await gate.reached.wait()
    log.restore("e2", room_r=0)
    eve = await in_room(instance, "eve")
    gate.open()
    await until(lambda: late.answered(id_))
    assert late.reply(id_)["connect"]["subs"][ROOM]["epoch"] == "e2"
    instance.pass_seconds(2)
    assert (ann.link.closed, eve.link.closed, late.link.closed) == ((3010, "insufficient state"), None, None)
    instance.application.post(ROOM)
    await idle()
    assert eve.offsets(ROOM) == late.offsets(ROOM) == [1]


async def test_the_first_epoch_is_not_replaced_by_one_that_was_read_before_it(
    instance: Instance, log: MemoryLog
) -> None:
    gate = instance.application.gate("snapshot answered")
    instance.application.members[ROOM].add("bob")
    late = instance.client()
    id_ = late.send(connect={"token": token_of("bob")})
    await gate.reached.wait()
    log.restore("e2", room_r=0)
    eve = await in_room(instance, "eve")
    gate.open()
    await until(lambda: late.answered(id_))
    instance.pass_seconds(2)
    assert eve.link.closed is None
    assert late.reply(id_)["connect"]["subs"][ROOM]["epoch"] == "e2"
