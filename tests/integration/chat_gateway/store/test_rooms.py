from typing import Literal

from chat_gateway.core.ids import RoomId, UserId
from chat_gateway.core.ports import Roster
from chat_gateway.core.rooms import Member, Room
from tests.integration.chat_gateway.store.gateway import LOBBY, Gateway, direct, execute, remove

ANN, BOB = UserId("ann"), UserId("bob")


async def test_a_stranger_sees_public_rooms_only(gateway: Gateway) -> None:
    public, private = await gateway.create("ann", "Zoo"), await gateway.create("ann", "attic", "private")
    assert [(room.name, room.role) for room in await gateway.rooms.public(BOB)] == [("Lobby", None), ("Zoo", None)]
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


async def test_unread_counts_the_posts_since_the_marker(gateway: Gateway) -> None:
    await gateway.join("ann")
    await gateway.join("bob")
    for _ in range(3):
        await gateway.post("ann")
    (room,) = await gateway.rooms.of_member(BOB)
    assert (room.id, room.head, room.posts, room.marker, room.unread) == (LOBBY, 5, 3, 2, 3)
    (public,) = await gateway.rooms.public(BOB)
    assert public == room


async def test_mentions_above_the_marker_are_counted_once_a_message_and_not_the_own(gateway: Gateway) -> None:
    await gateway.join("ann")
    values = ", ".join(
        f"('{user}', '{room}', {offset}, '{author}')"
        for user, room, offset, author in (
            ("ann", "lobby", 1, "bob"),
            ("ann", "lobby", 2, "bob"),
            ("*", "lobby", 2, "bob"),
            ("*", "lobby", 3, "bob"),
            ("ann", "lobby", 4, "ann"),
            ("*", "lobby", 5, "ann"),
            ("bob", "lobby", 6, "cid"),
            ("ann", "elsewhere", 7, "bob"),
        )
    )
    await execute(gateway.url, f"INSERT INTO mention VALUES {values}")
    (room,) = await gateway.rooms.of_member(ANN)
    assert (room.marker, room.mentions) == (1, 2)
    seen = await gateway.rooms.find(LOBBY, BOB)
    assert seen is not None
    assert seen.mentions == 0, "not for one who is no member"
    many = ", ".join(f"('ann', 'lobby', {offset}, 'bob')" for offset in range(10, 130))
    await execute(gateway.url, f"INSERT INTO mention VALUES {many}")
    assert (await gateway.rooms.of_member(ANN))[0].mentions == 100


async def test_threads_with_unread_posts_are_counted_if_followed_and_not_muted(gateway: Gateway) -> None:
    await gateway.join("ann")
    await execute(
        gateway.url,
        'INSERT INTO message (room_id, "offset", thread_posts)'
        " VALUES ('lobby', 1, 2), ('lobby', 2, 2), ('lobby', 3, 2), ('lobby', 4, 2), ('elsewhere', 5, 2)",
    )
    await execute(
        gateway.url,
        "INSERT INTO thread_member (user_id, room_id, root, follows, muted, marker_posts) VALUES"
        " ('ann', 'lobby', 1, true, false, 1), ('ann', 'lobby', 2, true, false, 2), ('ann', 'lobby', 3, true, true, 0),"
        " ('ann', 'lobby', 4, false, false, 0), ('ann', 'elsewhere', 5, true, false, 0),"
        " ('bob', 'lobby', 2, true, false, 0)",
    )
    (room,) = await gateway.rooms.of_member(ANN)
    seen = await gateway.rooms.find(LOBBY, BOB)
    assert seen is not None
    assert (room.threads, seen.threads) == (1, 0)


async def test_a_direct_room_names_its_people_and_is_seen_by_them_only(gateway: Gateway) -> None:
    await execute(gateway.url, "INSERT INTO person (id, name) VALUES ('ann', ''), ('bob', ''), ('cid', '')")
    change = direct("bob", "cid", "ann")
    await gateway.log.append(change)
    (room,) = await gateway.rooms.of_member(ANN)
    assert (room.id, room.kind, room.people, room.members) == (change.room, "direct", ("ann", "bob", "cid"), 3)
    assert await gateway.rooms.find(change.room, UserId("dan")) is None
    assert [one.id for one in await gateway.rooms.public(ANN)] == [LOBBY]


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
