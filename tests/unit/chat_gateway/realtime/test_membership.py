"""The hub takes users off a channel at the very offset that says so, and lets them in again."""

from tests.builders import batch
from tests.clients import Client, Instance, idle, token_of, until
from tests.fakes import GAINED, LOST, MemoryLog

ROOM = "room:r"


async def in_room(instance: Instance, user: str = "ann") -> Client:
    instance.application.members[ROOM].add(user)
    return await instance.connected(user)


async def test_nothing_above_a_removal_is_written_to_the_removed_user(instance: Instance) -> None:
    ann, bob = await in_room(instance), await in_room(instance, "bob")
    instance.application.post(ROOM)
    instance.application.remove("ann", ROOM)
    instance.application.post(ROOM)
    await idle()
    assert ann.offsets(ROOM) == [1, 2]
    assert ann.pushes("unsubscribe", ROOM) == [{"code": 2000, "reason": "server unsubscribe"}]
    assert bob.offsets(ROOM) == [1, 2, 3]
    assert ROOM not in ann.session.channels


async def test_a_removal_and_what_follows_in_one_batch_are_told_apart(instance: Instance, log: MemoryLog) -> None:
    ann = await in_room(instance)
    entries = [log.append(ROOM), log.append(ROOM, kind=LOST, subject="ann"), log.append(ROOM)]
    instance.hub.received(batch(ROOM, entries))
    await idle()
    assert ann.offsets(ROOM) == [1, 2]


async def test_a_removal_takes_all_connections_of_the_user_and_nobody_else(instance: Instance) -> None:
    one, two, bob = await in_room(instance), await in_room(instance), await in_room(instance, "bob")
    instance.application.remove("ann", ROOM)
    instance.application.post(ROOM)
    await idle()
    assert [client.offsets(ROOM) for client in (one, two, bob)] == [[1], [1], [1, 2]]


async def test_nothing_above_a_removal_is_written_to_one_who_is_joining(instance: Instance) -> None:
    application = instance.application
    bob = await in_room(instance, "bob")
    application.members[ROOM].add("ann")
    application.post(ROOM)
    gate = application.gate("snapshot answered")
    ann = instance.client()
    connect = ann.send(connect={"token": token_of("ann")})
    await gate.reached.wait()
    application.post(ROOM)
    application.remove("ann", ROOM)
    application.post(ROOM)
    gate.open()
    await until(lambda: ann.answered(connect))
    await idle()
    assert ann.reply(connect)["connect"]["subs"][ROOM]["offset"] == 1
    assert ann.offsets(ROOM) == [2, 3]
    assert len(ann.pushes("unsubscribe", ROOM)) == 1
    assert bob.offsets(ROOM) == [1, 2, 3, 4]
    assert ROOM not in ann.session.channels


async def test_one_who_was_removed_while_joining_is_not_let_in(instance: Instance) -> None:
    application = instance.application
    application.members[ROOM].add("ann")
    gate = application.gate("snapshot")
    ann = instance.client()
    connect = ann.send(connect={"token": token_of("ann")})
    await gate.reached.wait()
    application.remove("ann", ROOM)
    gate.open()
    await until(lambda: ann.answered(connect))
    application.post(ROOM)
    await idle()
    assert ROOM not in ann.reply(connect)["connect"]["subs"]
    assert ann.offsets(ROOM) == []
    assert instance.hub.channels() == ["user:ann"]


async def test_one_who_waits_is_not_taken_off_by_a_removal_it_has_outlived(instance: Instance, log: MemoryLog) -> None:
    await in_room(instance, "bob")
    past = [log.append(ROOM, kind=LOST, subject="ann"), log.append(ROOM), log.append(ROOM)]
    ann = await in_room(instance)
    instance.hub.received(batch(ROOM, past))
    instance.application.post(ROOM)
    await idle()
    assert ann.offsets(ROOM) == [4]
    assert ann.pushes("unsubscribe", ROOM) == []


async def test_one_who_waits_is_taken_off_by_a_removal_above_its_snapshot(instance: Instance, log: MemoryLog) -> None:
    await in_room(instance, "bob")
    missing = [log.append(ROOM)]
    ann = await in_room(instance)
    assert ann.session in instance.hub._channels[ROOM].waiting
    instance.hub.received(batch(ROOM, [*missing, log.append(ROOM, kind=LOST, subject="ann"), log.append(ROOM)]))
    await idle()
    assert ann.offsets(ROOM) == [2]


async def test_one_who_joins_a_room_is_subscribed_by_the_server(instance: Instance) -> None:
    ann, bob = await instance.connected(), await in_room(instance, "bob")
    instance.application.join("ann", ROOM)
    await until(lambda: ann.pushes("subscribe", ROOM))
    instance.application.post(ROOM)
    await idle()
    assert ann.pushes("subscribe", ROOM) == [{"recoverable": True, "epoch": "e1", "offset": 1, "positioned": True}]
    assert ann.offsets(ROOM) == [2]
    assert bob.offsets(ROOM) == [1, 2]


async def test_one_who_comes_back_hears_the_room_again(instance: Instance) -> None:
    application = instance.application
    ann = await in_room(instance)
    application.remove("ann", ROOM)
    application.post(ROOM)
    application.join("ann", ROOM)
    await until(lambda: ann.pushes("subscribe", ROOM))
    application.post(ROOM)
    await idle()
    assert ann.offsets(ROOM) == [1, 4]


async def test_one_who_comes_back_stays_though_the_news_of_it_overtakes_the_removal(
    instance: Instance, log: MemoryLog
) -> None:
    """Room and user channel are ordered each for itself: the rejoin may be heard first."""
    application = instance.application
    ann = await in_room(instance)
    removed = log.append(ROOM, kind=LOST, subject="ann")
    rejoined = log.append(ROOM)
    instance.hub.received(batch("user:ann", [log.append("user:ann", b'{"room":"room:r"}', kind=GAINED)]))
    await idle()
    instance.hub.received(batch(ROOM, [removed, rejoined]))
    await until(lambda: ann.pushes("subscribe", ROOM))
    application.post(ROOM)
    await idle()
    assert len(ann.pushes("unsubscribe", ROOM)) == 1
    assert ann.offsets(ROOM) == [1, 3]


async def test_one_who_comes_back_while_the_first_joining_is_being_refused_stays(instance: Instance) -> None:
    application = instance.application
    ann = await instance.connected()
    gate = application.gate("snapshot answered")
    application.members[ROOM].add("ann")
    application.members[ROOM].discard("ann")  # in and out again before the snapshot is read
    instance.application.post("user:ann")
    instance.engine.subscriber.gain(ann.session, ROOM)
    await gate.reached.wait()
    application.join("ann", ROOM)
    gate.open()
    await until(lambda: ann.pushes("subscribe", ROOM))
    application.post(ROOM)
    await idle()
    assert ann.offsets(ROOM) == [2]


async def test_a_gain_that_is_gone_before_it_is_read_leaves_nothing(instance: Instance) -> None:
    ann = await instance.connected()
    gate = instance.application.gate("snapshot")
    instance.application.join("ann", ROOM)
    await gate.reached.wait()
    instance.application.remove("ann", ROOM)
    gate.open()
    await until(lambda: ROOM not in ann.session.channels)
    assert instance.hub.channels() == ["user:ann"]
    assert ann.pushes("subscribe", ROOM) == []


async def test_a_room_gained_between_the_list_and_the_snapshot_is_subscribed(instance: Instance) -> None:
    application = instance.application
    gate = application.gate("channels_of answered")
    ann = instance.client()
    connect = ann.send(connect={"token": token_of("ann")})
    await gate.reached.wait()
    application.join("ann", ROOM)
    gate.open()
    await until(lambda: ann.pushes("subscribe", ROOM))
    application.post(ROOM)
    await idle()
    assert ROOM not in ann.reply(connect)["connect"]["subs"]
    assert ann.offsets(ROOM) == [2]


async def test_a_room_gained_after_the_snapshot_is_subscribed(instance: Instance) -> None:
    application = instance.application
    gate = application.gate("snapshot answered")
    ann = instance.client()
    connect = ann.send(connect={"token": token_of("ann")})
    await gate.reached.wait()
    application.join("ann", ROOM)
    gate.open()
    await until(lambda: ann.pushes("subscribe", ROOM))
    assert ann.link.messages()[0]["id"] == connect


async def test_a_room_gained_while_the_own_channel_is_read_again_is_subscribed(
    instance: Instance, log: MemoryLog
) -> None:
    """The second connection teaches the hub a later position of the user's channel than the first one has read."""
    application = instance.application
    gate = application.gate("snapshot answered")
    first, second = instance.client(), instance.client()
    first.send(connect={"token": token_of("ann")})
    await gate.reached.wait()
    application.join("ann", ROOM)
    await second.connect()
    assert ROOM in second.session.channels
    gate.open()
    await until(lambda: first.session.user is not None and ROOM in first.session.channels)
    await idle()
    application.post(ROOM)
    await idle()
    assert first.offsets(ROOM) == [2]
    assert second.offsets(ROOM) == [2]


async def test_a_client_without_server_side_subscriptions_gains_none(instance: Instance) -> None:
    """Not even one that subscribes to its own channel by hand: `room:r` is the client's own to subscribe."""
    ann = await instance.connected(data={"rooms": False})
    assert "subs" not in ann.link.messages()[0]["connect"]
    assert "subscribe" in await ann.call(subscribe={"channel": "user:ann"})
    instance.application.join("ann", ROOM)
    await idle()
    assert ann.offsets("user:ann") == [1]
    assert ann.pushes("subscribe", ROOM) == []
    assert "subscribe" in await ann.call(subscribe={"channel": ROOM})


async def test_a_membership_publication_that_concerns_nobody_is_only_delivered(instance: Instance) -> None:
    ann = await in_room(instance)
    instance.application.remove("", ROOM)
    instance.application.remove("stranger", ROOM)
    await idle()
    assert ann.offsets(ROOM) == [1, 2]


async def test_a_removal_of_another_user_does_not_stop_one_who_is_joining(instance: Instance) -> None:
    application = instance.application
    application.members[ROOM].add("ann")
    gate = application.gate("snapshot answered")
    ann = instance.client()
    ann.send(connect={"token": token_of("ann")})
    await gate.reached.wait()
    application.remove("bob", ROOM)
    application.remove("", ROOM)
    gate.open()
    await until(lambda: ann.offsets(ROOM))
    assert ann.offsets(ROOM) == [1, 2]


async def test_a_connection_that_still_holds_bytes_when_a_text_is_deleted_is_cut_within_a_second(
    instance: Instance,
) -> None:
    slow, quick, elsewhere = await in_room(instance), await in_room(instance, "bob"), await instance.connected("cy")
    for client in (slow, elsewhere):
        await client.call(subscribe={"channel": "open"})
        client.link.block()
    posted = instance.application.post(ROOM, b'{"text":"secret"}')
    instance.application.post("open")
    await idle()
    assert b"secret" in slow.link.unsent
    instance.application.delete(ROOM, posted.offset)
    await idle()
    instance.pass_seconds(1)
    assert slow.link.aborted
    assert not quick.link.aborted
    assert not elsewhere.link.aborted


async def test_one_who_joins_while_a_text_is_deleted_never_gets_it(instance: Instance) -> None:
    application = instance.application
    bob = await in_room(instance, "bob")
    application.members[ROOM].add("ann")
    gate = application.gate("snapshot answered")
    ann = instance.client()
    connect = ann.send(connect={"token": token_of("ann")})
    await gate.reached.wait()
    posted = application.post(ROOM, b'{"text":"secret"}')
    application.delete(ROOM, posted.offset)
    application.post(ROOM)
    gate.open()
    await until(lambda: ann.answered(connect))
    await idle()
    position = ann.reply(connect)["connect"]["subs"][ROOM].get("offset", 0)
    assert position + len(ann.offsets(ROOM)) == 3
    assert b"secret" not in b"".join(ann.link.sent)
    assert b"secret" in b"".join(bob.link.sent)
