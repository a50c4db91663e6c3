"""What a person sees of a room: what is unread for them, and of which they are mentioned."""

from chat_gateway.core.ids import UserId
from tests.integration.chat_gateway.store.gateway import LOBBY, Gateway, execute

ANN, BOB = UserId("ann"), UserId("bob")


async def test_unread_counts_the_posts_since_the_marker(gateway: Gateway) -> None:
    await gateway.join("ann")
    await gateway.join("bob")
    for _ in range(3):
        await gateway.post("ann")
    (room,) = await gateway.rooms.of_member(BOB)
    assert (room.id, room.head, room.posts, room.marker, room.unread) == (LOBBY, 5, 3, 2, 3)
    assert await gateway.rooms.find(LOBBY, BOB) == room
    page = await gateway.rooms.public(BOB, limit=1)
    assert page is not None
    assert page.rooms == (room,)


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
