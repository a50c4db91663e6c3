"""What is told on a room's live channel, with the room's members in a real store."""

import asyncio
import json

import pytest

from chat_gateway.core.entries import Kind
from chat_gateway.core.ids import UserId
from chat_gateway.core.people import Person
from chat_gateway.protocol.frames import ClientInfo
from chat_gateway.realtime.publication import Publication, ephemeral
from chat_gateway.store.database import Database
from shared.errors import NotFound, Unavailable
from tests.faults import eventually
from tests.integration.chat_gateway.presence.conftest import ROOM, RunPart, let_in, pause
from tests.integration.chat_gateway.presence.parts import Part
from tests.integration.chat_gateway.store.gateway import execute

LIVE = f"live:{ROOM}"


def entry(offset: int, kind: int, subject: str) -> Publication:
    return Publication(offset, kind, f"entry-{offset}", subject, b"{}")


async def looked_at(part: Part, room: str = ROOM) -> Part:
    part.look(room)
    await part.presence._rooms.members(room)  # type: ignore[arg-type]
    return part


async def test_who_comes_online_is_told_in_the_rooms_they_are_in(run_part: RunPart, sqlite_url: str) -> None:
    await let_in(sqlite_url, "attic", "ann")
    part = await looked_at(await looked_at(await run_part("g1")), "attic")
    part.connect("bob", "stranger")
    await eventually(lambda: part.told)
    await pause()
    assert part.told == [(LIVE, {"type": "presence.changed", "online": ["bob"], "offline": []})]


async def test_nothing_is_told_in_a_room_nobody_looks_at(run_part: RunPart) -> None:
    part = await looked_at(await run_part("g1"))
    part.look(ROOM)
    part.look_away(ROOM)
    part.connect("ann")
    await eventually(lambda: part.told)
    part.look_away(ROOM)
    part.connect("bob")
    part.presence.received(ephemeral(LIVE, b'{"type":"typing","users":["ann"]}'))
    await pause()
    assert part.named("online") == {"ann"}
    assert part.says("typing") == []


async def test_who_joins_is_a_member_from_that_entry_on(run_part: RunPart) -> None:
    part = await looked_at(await run_part("g1"))
    part.connect("dan")
    part.presence.passed(f"room:{ROOM}", entry(11, Kind.MEMBER_JOINED, "dan"))
    await eventually(lambda: part.named("online") == {"dan"})
    assert await part.online(ROOM, "dan") == ["dan"]


@pytest.mark.parametrize("kind", [Kind.MEMBER_LEFT, Kind.MEMBER_REMOVED, Kind.MEMBER_BANNED])
async def test_who_is_no_member_any_more_is_told_of_nothing_and_may_not_ask(run_part: RunPart, kind: Kind) -> None:
    part = await looked_at(await run_part("g1"))
    part.connect("ann", "bob")
    assert await part.online(ROOM, "bob") == ["ann", "bob"]
    part.presence.passed(f"room:{ROOM}", entry(11, kind, "bob"))
    with pytest.raises(NotFound):
        await part.online(ROOM, "bob")
    part.presence.received(ephemeral(LIVE, b'{"type":"typing","users":["bob"]}'))
    part.presence.received(ephemeral(LIVE, b'{"type":"receipts","markers":{"bob":3}}'))
    await pause()
    assert await part.online(ROOM) == ["ann"]
    assert part.says("typing") == part.says("receipts") == []


async def test_other_entries_and_other_channels_change_no_members(run_part: RunPart) -> None:
    part = await looked_at(await run_part("g1"))
    part.presence.passed(f"room:{ROOM}", entry(11, Kind.MEMBER_ROLE, "dan"))
    part.presence.passed(f"room:{ROOM}", entry(12, 99, "dan"))
    part.presence.passed("room:elsewhere", entry(12, Kind.MEMBER_JOINED, "dan"))
    part.presence.passed("user:dan", entry(12, Kind.MEMBER_JOINED, "dan"))
    with pytest.raises(NotFound):
        await part.online(ROOM, "dan")


@pytest.mark.parametrize("viewer", ["dan", "stranger"])
@pytest.mark.parametrize("lookers", [0, 1])
async def test_only_members_may_ask(run_part: RunPart, viewer: str, lookers: int) -> None:
    part = await run_part("g1")
    for _ in range(lookers):
        await looked_at(part)
    part.connect("ann", viewer)
    assert await part.online(ROOM) == ["ann"]
    with pytest.raises(NotFound) as refused:
        await part.online(ROOM, viewer)
    with pytest.raises(NotFound) as missing:
        await part.online("nowhere", viewer)
    assert (refused.value.code, refused.value.message) == (missing.value.code, missing.value.message)


async def test_a_stranger_is_refused_even_where_nobody_knows_who_is_online(run_part: RunPart) -> None:
    part = await run_part("g1")
    await part.bus.close()
    await eventually(lambda: not part.is_known)
    with pytest.raises(NotFound):
        await part.online(ROOM, "stranger")
    with pytest.raises(Unavailable):
        await part.online(ROOM, "ann")


async def test_a_new_name_is_told_where_its_bearer_is_a_member(run_part: RunPart, sqlite_url: str) -> None:
    await let_in(sqlite_url, "attic", "ann")
    part = await looked_at(await looked_at(await run_part("g1")), "attic")
    part.presence.renamed(Person(id=UserId("bob"), name="Bobby"))
    await eventually(lambda: part.told)
    await pause()
    person = {"id": "bob", "name": "Bobby", "picture": "", "disabled": False}
    assert part.told == [(LIVE, {"type": "person.updated", "user": person})]


async def test_what_a_later_release_tells_is_passed_over(run_part: RunPart) -> None:
    part = await looked_at(await run_part("g1"))
    for told in (b'{"type":"dancing","users":["ann"]}', b"nonsense"):
        part.presence.received(ephemeral(LIVE, told))
    part.presence.received(ephemeral(LIVE, b'{"type":"typing","users":["ann"]}'))
    await eventually(lambda: part.told)
    assert [told["type"] for _, told in part.told] == ["typing"]


async def test_what_comes_for_no_room_is_passed_over(run_part: RunPart) -> None:
    part = await run_part("g1")
    part.presence.received(ephemeral("elsewhere", json.dumps({"type": "typing", "users": ["ann"]}).encode()))
    part.presence.joined(f"room:{ROOM}", ClientInfo("ann", "c1"))
    part.presence.left(f"room:{ROOM}", ClientInfo("ann", "c1"))
    assert part.told == []


async def test_a_room_whose_members_cannot_be_read_is_read_later(
    run_part: RunPart, database: Database, sqlite_url: str
) -> None:
    part = await run_part("g1")
    await execute(sqlite_url, "ALTER TABLE member RENAME COLUMN status TO hidden")
    part.look(ROOM)
    part.connect("ann")
    with pytest.raises(Unavailable):
        await part.online(ROOM)
    await execute(sqlite_url, "ALTER TABLE member RENAME COLUMN hidden TO status")
    assert await part.online(ROOM) == ["ann"]


async def test_who_looks_away_before_the_room_is_read_is_forgotten(run_part: RunPart) -> None:
    part = await run_part("g1")
    for _ in range(3):
        part.look(ROOM)
        await asyncio.sleep(0)
        part.look_away(ROOM)
    part.connect("ann")
    assert await part.online(ROOM) == ["ann"]
    assert part.presence._rooms.cached(ROOM) is None  # type: ignore[arg-type]
