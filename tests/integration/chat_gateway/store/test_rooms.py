from collections.abc import Collection
from typing import Literal

from chat_gateway.core.ids import RoomId, UserId
from chat_gateway.core.ports import Roster
from chat_gateway.core.rooms import Member, Room
from tests.integration.chat_gateway.store.gateway import LOBBY, Gateway, direct, execute, remove

ANN, BOB = UserId("ann"), UserId("bob")


async def public_rooms(gateway: Gateway, viewer: UserId) -> tuple[Room, ...]:
    page = await gateway.rooms.public(viewer, limit=200)
    assert page is not None
    assert not page.more
    return page.rooms


async def test_a_stranger_sees_public_rooms_only(gateway: Gateway) -> None:
    public, private = await gateway.create("ann", "Zoo"), await gateway.create("ann", "attic", "private")
    assert [(room.name, room.role) for room in await public_rooms(gateway, BOB)] == [("Lobby", None), ("Zoo", None)]
    assert await gateway.rooms.find(private, BOB) is None
    assert await gateway.rooms.find(RoomId("nowhere"), BOB) is None
    assert await gateway.rooms.find(public, BOB) == Room(
        id=public, name="Zoo", kind="public", topic="", role=None, head=1, posts=0, marker=0, unread=0, members=1
    )


async def test_own_rooms_come_most_recently_active_first(gateway: Gateway) -> None:
    one, two = await gateway.create("ann", "one"), await gateway.create("ann", "two", "private")
    await execute(gateway.url, f"UPDATE entry SET at = at - 5000 WHERE log_id = 'room:{one}'")
    assert [room.id for room in await gateway.rooms.of_member(ANN)] == [two, one]
    await execute(gateway.url, f"UPDATE entry SET at = at - 9000 WHERE log_id = 'room:{two}'")
    assert [room.id for room in await gateway.rooms.of_member(ANN)] == [one, two]
    assert await gateway.rooms.of_member(BOB) == []


async def test_a_direct_room_names_its_people_and_is_seen_by_them_only(gateway: Gateway) -> None:
    await execute(gateway.url, "INSERT INTO person (id, name) VALUES ('ann', ''), ('bob', ''), ('cid', '')")
    change = direct("bob", "cid", "ann")
    await gateway.log.append(change)
    (room,) = await gateway.rooms.of_member(ANN)
    assert (room.id, room.kind, room.people, room.members) == (change.room, "direct", ("ann", "bob", "cid"), 3)
    assert await gateway.rooms.find(change.room, UserId("dan")) is None
    assert [one.id for one in await public_rooms(gateway, ANN)] == [LOBBY]


async def pages(gateway: Gateway, *, limit: int, within: Collection[RoomId] | None = None) -> list[list[Room]]:
    found: list[list[Room]] = []
    after = None
    while True:
        page = await gateway.rooms.public(BOB, after=after, limit=limit, within=within)
        assert page is not None
        found.append(list(page.rooms))
        if not page.more:
            return found
        after = page.rooms[-1].id


async def test_public_rooms_come_in_pages_by_name_each_once(gateway: Gateway) -> None:
    names = ["beta", "Alpha", "alpha", "Émile", "émile", "Beta", "beta", "zeta", "Zeta", "beta", "a b"]
    made = [await gateway.create("ann", name) for name in names]
    await gateway.create("ann", "alphb", "private")
    await gateway.join("bob", made[0])
    (whole,) = await pages(gateway, limit=200)
    assert {room.id for room in whole} == {*made, LOBBY}
    folded = [(room.name.lower(), room.name, room.id) for room in whole if room.name.isascii()]
    assert folded == sorted(folded)
    assert next(room for room in whole if room.id == made[0]).role == "member"
    for limit in (1, 3, 4, 12):
        split = await pages(gateway, limit=limit)
        assert [room for page in split for room in page] == whole
        assert {len(page) for page in split[:-1]} <= {limit}


async def test_only_a_public_room_may_be_paged_behind_or_its_name_could_be_found_out(gateway: Gateway) -> None:
    private = await gateway.create("bob", "secret", "private")
    for after in (private, RoomId("nowhere")):
        assert await gateway.rooms.public(BOB, after=after, limit=5) is None
    outside = await gateway.create("ann", "m")
    assert await gateway.rooms.public(BOB, after=outside, limit=5, within=[LOBBY]) is None


async def test_public_rooms_may_be_kept_to_some(gateway: Gateway) -> None:
    made = [await gateway.create("ann", f"r{n}") for n in range(5)]
    private = await gateway.create("ann", "x", "private")
    found = await pages(gateway, limit=2, within={made[1], made[3], made[4], private})
    assert [[room.name for room in page] for page in found] == [["r1", "r3"], ["r4"]]
    assert await pages(gateway, limit=2, within=[]) == [[]]


async def test_members_come_in_pages_to_members_only(gateway: Gateway) -> None:
    den = await gateway.create("bob")
    for user in ("dan", "ann", "cid"):
        await gateway.join(user, den)
    await gateway.log.append(remove("bob", "cid", den))

    async def page(viewer: UserId, after: str = "", status: Literal["joined", "banned"] = "joined") -> Roster | None:
        return await gateway.rooms.members(den, viewer, status=status, after=UserId(after), limit=2)

    ann, bob, dan = (Member(user=UserId(user), role="member") for user in ("ann", "bob", "dan"))
    owner = Member(user=bob.user, role="owner")
    assert await page(ANN) == Roster(viewer="member", members=(ann, owner), more=True)
    assert await page(BOB, "bob") == Roster(viewer="owner", members=(dan,), more=False)
    assert await page(UserId("cid")) is None
    assert await page(BOB, status="banned") == Roster(viewer="owner", members=(), more=False)


async def test_an_invitation_names_its_room_whether_it_has_ended_or_not(gateway: Gateway) -> None:
    await execute(gateway.url, "INSERT INTO invite VALUES ('h', 'den', 'ann', 1, 0)")
    assert (await gateway.rooms.invited("h"), await gateway.rooms.invited("x")) == ("den", None)
