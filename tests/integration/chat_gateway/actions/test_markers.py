import pytest

from chat_gateway.actions import markers, memberships, messages, rooms
from chat_gateway.core.chat import Chat
from chat_gateway.core.rooms import DEFAULT_ROOM, Room
from shared.errors import NotFound
from tests.integration.chat_gateway.actions.conftest import ADA, BOB


@pytest.fixture(autouse=True)
async def both_are_in_the_lobby(chat: Chat) -> None:
    for user in (ADA, BOB):
        await memberships.join(chat, user, memberships.JoinRoom(room=DEFAULT_ROOM))


async def lobby_of_bob(chat: Chat) -> Room:
    return (await rooms.get(chat, BOB, rooms.ThisRoom(DEFAULT_ROOM))).room


async def say(chat: Chat, body: str) -> int:
    return (await messages.post(chat, ADA, messages.PostMessage(room=DEFAULT_ROOM, body=body))).offset


async def test_unread_counts_the_posts_after_the_marker(chat: Chat) -> None:
    offsets = [await say(chat, f"{n}") for n in range(3)]
    assert (await lobby_of_bob(chat)).unread == 3
    assert await markers.set_marker(chat, BOB, markers.MoveMarker(DEFAULT_ROOM, offsets[1])) == markers.Marker(
        offsets[1]
    )
    assert (await lobby_of_bob(chat)).unread == 1


async def test_a_marker_moves_forward_only_and_never_past_the_head(chat: Chat) -> None:
    head = await say(chat, "the newest")
    assert (await markers.set_marker(chat, BOB, markers.MoveMarker(DEFAULT_ROOM, head + 1_000))).offset == head
    assert (await markers.set_marker(chat, BOB, markers.MoveMarker(DEFAULT_ROOM, 1))).offset == head
    assert (await lobby_of_bob(chat)).unread == 0


async def test_a_post_moves_its_authors_own_marker(chat: Chat) -> None:
    offset = await say(chat, "mine")
    room = (await rooms.get(chat, ADA, rooms.ThisRoom(DEFAULT_ROOM))).room
    assert (room.marker, room.unread) == (offset, 0)


async def test_a_marker_needs_a_room_one_is_in(chat: Chat) -> None:
    with pytest.raises(NotFound, match="room_not_found"):
        await markers.set_marker(chat, BOB, markers.MoveMarker("missing", 1))
