from chat_gateway.core.ids import RoomId, UserId
from chat_gateway.core.rooms import Room
from tests.integration.chat_gateway.store.gateway import LOBBY, Gateway, execute

ANN, BOB = UserId("ann"), UserId("bob")


async def test_a_stranger_sees_public_rooms_only(gateway: Gateway) -> None:
    public, private = await gateway.create("ann", "Zoo"), await gateway.create("ann", "attic", "private")
    assert [(room.name, room.role) for room in await gateway.rooms.public(BOB)] == [("Lobby", None), ("Zoo", None)]
    assert await gateway.rooms.find(private, BOB) is None
    assert await gateway.rooms.find(RoomId("nowhere"), BOB) is None
    assert await gateway.rooms.find(public, BOB) == Room(
        id=public, name="Zoo", kind="public", topic="", role=None, head=1, posts=0, marker=0, unread=0
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
