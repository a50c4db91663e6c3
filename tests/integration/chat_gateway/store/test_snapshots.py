"""What a connection gets: the channels it may read and what it missed, complete or said not to be."""

import asyncio
from collections.abc import Mapping

from chat_gateway.core.ids import UserId
from chat_gateway.realtime.ports import Recovered
from chat_gateway.realtime.publication import Position
from chat_gateway.store.recoveries import RoomSnapshot
from tests.integration.chat_gateway.store.gateway import Gateway, leave, post, remove, rows

ANN, BOB = UserId("ann"), UserId("bob")


async def epoch_of(gateway: Gateway) -> str:
    return str((await rows(gateway.url, "SELECT epoch FROM epoch"))[0][0])


async def take(
    gateway: Gateway,
    since: Mapping[str, Position | None],
    *,
    whole: bool = True,
    max_entries: int = 200,
    max_bytes: int | None = None,
) -> RoomSnapshot:
    return await gateway.snapshots.take(ANN, since, whole=whole, max_entries=max_entries, max_bytes=max_bytes)


def offsets(recovered: Recovered) -> list[int]:
    return [publication.offset for publication in recovered.publications]


async def test_a_connect_carries_the_own_log_and_all_own_rooms(gateway: Gateway) -> None:
    den = await gateway.create("ann", kind="private")
    await gateway.create("bob")
    await gateway.join("ann")
    epoch = await epoch_of(gateway)
    snapshot = await take(gateway, {})
    assert {room.id for room in snapshot.rooms} == {den, "lobby"}
    assert snapshot.epoch == epoch
    assert snapshot.channels == {
        "user:ann": Recovered(head=Position(2, epoch), recovered=False),
        f"room:{den}": Recovered(head=Position(1, epoch), recovered=False),
        "room:lobby": Recovered(head=Position(1, epoch), recovered=False),
    }


async def test_one_who_never_did_anything_has_an_empty_own_log(gateway: Gateway) -> None:
    epoch = await epoch_of(gateway)
    snapshot = await take(gateway, {"user:ann": Position(0, epoch)})
    assert snapshot.channels == {"user:ann": Recovered(head=Position(0, epoch), recovered=True)}


async def test_a_subscribe_gets_only_what_it_asks_for_and_may_read(gateway: Gateway) -> None:
    await gateway.join("ann")
    den = await gateway.create("bob")
    asked = dict.fromkeys(["room:lobby", f"room:{den}", "room:nowhere", "user:bob", "user:ann", "other"])
    snapshot = await take(gateway, asked, whole=False)
    assert set(snapshot.channels) == {"room:lobby", "user:ann"}
    assert set((await take(gateway, {"room:lobby": None}, whole=False)).channels) == {"room:lobby"}


async def test_one_who_left_or_was_removed_reads_the_room_no_more(gateway: Gateway) -> None:
    await gateway.join("ann")
    den = await gateway.create("bob")
    await gateway.join("ann", den)
    await gateway.log.append(leave("ann"))
    await gateway.log.append(remove("bob", "ann", den))
    assert set((await take(gateway, {"room:lobby": None, f"room:{den}": None})).channels) == {"user:ann"}


async def test_what_was_missed_is_recovered_in_order(gateway: Gateway) -> None:
    await gateway.join("ann")
    for _ in range(4):
        await gateway.post("ann")
    epoch = await epoch_of(gateway)
    snapshot = await take(gateway, {"room:lobby": Position(2, epoch), "user:ann": Position(0, "")})
    assert snapshot.channels["room:lobby"].recovered
    assert offsets(snapshot.channels["room:lobby"]) == [3, 4, 5]
    assert offsets(snapshot.channels["user:ann"]) == [1]
    _, read = await gateway.room_log.read("room:lobby", after=2, limit=10)
    assert list(snapshot.channels["room:lobby"].publications) == read


async def test_a_position_that_cannot_be_ours_is_not_recovered(gateway: Gateway) -> None:
    await gateway.join("ann")
    epoch = await epoch_of(gateway)
    for position in (Position(0, "foreign"), Position(2, epoch), Position(2, ""), Position(-1, epoch)):
        snapshot = await take(gateway, {"room:lobby": position})
        assert snapshot.channels["room:lobby"] == Recovered(head=Position(1, epoch), recovered=False)
    snapshot = await take(gateway, {"room:lobby": Position(1, epoch)}, max_entries=0, max_bytes=0)
    assert snapshot.channels["room:lobby"] == Recovered(head=Position(1, epoch), recovered=True)


async def test_a_channel_is_complete_or_not_recovered_and_small_ones_still_fit(gateway: Gateway) -> None:
    den = await gateway.create("ann")
    await gateway.join("ann")
    for _ in range(5):
        await gateway.post("ann")
    since = {channel: Position(0, "") for channel in ("user:ann", "room:lobby", f"room:{den}")}
    snapshot = await take(gateway, since, max_entries=5)
    assert {channel: offsets(got) for channel, got in snapshot.channels.items()} == {
        "user:ann": [1, 2],
        f"room:{den}": [1],
        "room:lobby": [],
    }
    assert not snapshot.channels["room:lobby"].recovered
    assert (await take(gateway, since, max_entries=9)).channels["room:lobby"].recovered


async def test_the_most_recently_active_room_comes_first(gateway: Gateway) -> None:
    dens = [await gateway.create("ann", str(number)) for number in range(3)]
    for den in (dens[1], dens[0], dens[2]):
        await asyncio.sleep(0.003)
        await gateway.post("ann", room=den)
    since = {f"room:{den}": Position(1, "") for den in dens}
    recovered = (await take(gateway, since, max_entries=2)).channels
    assert [recovered[f"room:{den}"].recovered for den in dens] == [True, False, True]


async def test_bytes_are_bounded_as_sent(gateway: Gateway) -> None:
    await gateway.join("ann")
    den = await gateway.create("ann")
    await gateway.post("ann", "x" * 5_000)
    await gateway.post("ann", "é" * 900, room=den)
    since = {"room:lobby": Position(1, ""), f"room:{den}": Position(1, "")}
    size = sum(
        len(publication.data)
        for got in (await take(gateway, since)).channels.values()
        for publication in got.publications
    )
    for limit, expected in ((size, 2), (size - 1, 1), (3_000, 1), (1_900, 0), (900, 0)):
        channels = (await take(gateway, since, max_bytes=limit)).channels
        assert [channels[channel].recovered for channel in since].count(True) == expected
        assert sum(len(item.data) for got in channels.values() for item in got.publications) <= limit


async def test_all_of_it_is_one_state_of_the_database(gateway: Gateway, other: Gateway) -> None:
    await gateway.join("ann")
    posting = asyncio.gather(*(other.log.append(post("ann", str(number))) for number in range(1_000)))
    while not posting.done():
        snapshot = await take(gateway, {"room:lobby": Position(0, "")}, max_entries=10_000)
        (room,) = snapshot.rooms
        lobby = snapshot.channels["room:lobby"]
        assert offsets(lobby) == list(range(1, lobby.head.offset + 1))
        assert room.head == lobby.head.offset
    await posting
