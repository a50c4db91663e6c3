"""An administrator sees every room and every report, whoever is in the room."""

from chat_gateway.core.ids import RoomId
from chat_gateway.store.oversight import Keeper, Oversight
from tests.integration.chat_gateway.store.gateway import LOBBY, Gateway, execute


async def test_rooms_come_in_pages_with_what_is_in_them(gateway: Gateway) -> None:
    den = await gateway.create("ann", "den", "private")
    await gateway.join("bob")
    applied = await gateway.post("bob")
    oversight = Oversight(gateway.database)
    first = await oversight.rooms(direct=False, limit=1)
    second = await oversight.rooms(direct=False, after=first[0].id, limit=1)
    assert await oversight.rooms(direct=False, after=second[0].id, limit=1) == []
    rooms = {room.id: room for room in (*first, *second)}
    assert rooms.keys() == {den, LOBBY}
    lobby = rooms[LOBBY]
    assert (lobby.name, lobby.kind, lobby.members, lobby.messages, lobby.head) == ("Lobby", "public", 1, 1, 2)
    assert (lobby.archived, lobby.read_only) == (False, False)
    assert applied.entry is not None
    assert lobby.last_at == applied.entry.at


async def test_direct_rooms_are_shown_only_if_asked(gateway: Gateway) -> None:
    den = await gateway.create("ann", "den", "private")
    await execute(gateway.url, f"UPDATE room SET kind = 'direct' WHERE id = '{den}'")
    oversight = Oversight(gateway.database)
    assert [room.id for room in await oversight.rooms(direct=False)] == [LOBBY]
    assert {room.id for room in await oversight.rooms(direct=True)} == {LOBBY, den}


async def test_one_room_is_shown_with_those_in_charge(gateway: Gateway) -> None:
    await execute(gateway.url, "INSERT INTO person (id, name) VALUES ('ann', 'Ann')")
    den = await gateway.create("ann", "den", "public")
    for user in ("bob", "eve"):
        await gateway.join(user, den)
    await execute(gateway.url, "UPDATE member SET role = 'admin' WHERE user_id = 'bob'")
    found = await Oversight(gateway.database).find(den)
    assert found is not None
    room, keepers = found
    assert (room.id, room.members, room.head) == (den, 3, 3)
    assert [(keeper.user, keeper.name, keeper.role) for keeper in keepers] == [
        ("ann", "Ann", "owner"),
        ("bob", "", "admin"),
    ]
    assert isinstance(keepers[0], Keeper)
    assert await Oversight(gateway.database).find(RoomId("nowhere")) is None


async def test_a_room_nothing_happened_in_was_last_active_when_it_was_made(gateway: Gateway) -> None:
    (lobby,) = await Oversight(gateway.database).rooms(direct=False)
    assert (lobby.head, lobby.last_at) == (0, lobby.created_at)


async def test_reports_come_newest_first_with_what_was_said(gateway: Gateway) -> None:
    await gateway.join("ann")
    await gateway.post("ann", "bad")
    for name, at in (("bob", 1_000), ("eve", 2_000)):
        await execute(
            gateway.url,
            'INSERT INTO report (id, room_id, "offset", reporter, reason, at)'
            f" VALUES ('{name}', 'lobby', 2, '{name}', 'rude', {at})",
        )
    await execute(gateway.url, "INSERT INTO message (room_id, \"offset\", body) VALUES ('lobby', 2, 'better')")
    await execute(gateway.url, "INSERT INTO person (id, name) VALUES ('ann', 'Ann'), ('eve', 'Eve')")
    newest, older = await Oversight(gateway.database).reports(limit=10)
    assert (newest.reporter, newest.reporter_name, newest.at, newest.reason) == ("eve", "Eve", 2_000, "rude")
    assert (newest.room, newest.room_name, newest.offset) == ("lobby", "Lobby", 2)
    assert (newest.author, newest.author_name, newest.body) == ("ann", "Ann", "better")
    assert newest.content == '{"body":"bad"}'
    assert (older.reporter, older.reporter_name) == ("bob", "")
    assert [report.reporter for report in await Oversight(gateway.database).reports(limit=1)] == ["eve"]
