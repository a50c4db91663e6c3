import json
from typing import Any

import pytest

from chat_gateway.actions import markers, memberships, messages, rooms, threads
from chat_gateway.core.chat import Chat
from chat_gateway.core.entries import Kind
from chat_gateway.core.ids import UserId
from shared.errors import Conflict, InvalidInput, NotFound
from tests.integration.chat_gateway.actions.conftest import ADA, BOB
from tests.integration.chat_gateway.actions.den import CID, Den, den


@pytest.fixture
async def room(chat: Chat) -> Den:
    return await den(chat)


async def thread_of(room: Den, replies: int = 5) -> str:
    """A message of Ada's (offset 3) with so many replies of Bob's from offset 4 on."""
    root = await room.say(ADA, "root")
    for number in range(replies):
        await room.say(BOB, str(number), thread=root)
    return root


async def read(room: Den, root: str, user: UserId = BOB, **fields: Any) -> threads.ThreadPage:
    return await threads.page(room.chat, user, threads.ThreadRequest(room=room.room, thread=root, **fields))


def offsets(page: threads.ThreadPage) -> list[int]:
    return [json.loads(bytes(entry))["offset"] for entry in page.entries]


async def test_a_thread_is_read_with_its_root_and_how_one_stands_to_it(room: Den) -> None:
    root = await thread_of(room, 3)
    await room.say(ADA, "elsewhere")
    mine, hers = await read(room, root), await read(room, root, ADA)
    shown = json.loads(bytes(mine.root))
    assert (shown["id"], shown["offset"], shown["state"]["thread"]["posts"]) == (root, 3, 3)
    assert [json.loads(bytes(entry))["content"]["body"] for entry in mine.entries] == ["0", "1", "2"]
    assert [json.loads(bytes(entry))["thread_posts"] for entry in mine.entries] == [1, 2, 3]
    assert (mine.follows, mine.muted, mine.marker, mine.posts, mine.unread, mine.head) == (True, False, 6, 3, 0, 7)
    assert (hers.follows, hers.muted, hers.marker, hers.posts, hers.unread, hers.head) == (True, False, 0, 3, 3, 7)
    assert mine.epoch == hers.epoch


async def test_pages_go_in_both_directions_and_rise_in_each(room: Den) -> None:
    root = await thread_of(room)
    assert offsets(await read(room, root, limit=2)) == [7, 8]
    assert offsets(await read(room, root, after=5, limit=2)) == [6, 7]
    assert offsets(await read(room, root, before=6, limit=2)) == [4, 5]
    assert offsets(await read(room, root, after=8)) == []
    with pytest.raises(InvalidInput, match="invalid_request"):
        await read(room, root, after=5, before=7)


async def test_a_message_without_replies_is_a_thread_that_may_begin(room: Den) -> None:
    root = await room.say(ADA)
    page = await read(room, root)
    assert (page.entries, page.posts, page.unread, page.follows, page.marker) == ([], 0, 0, False, 0)


async def test_only_members_read_a_thread_and_only_from_its_root(room: Den) -> None:
    root = await room.say(ADA, "root")
    reply = await room.say(BOB, "reply", thread=root)
    with pytest.raises(NotFound, match="room_not_found"):
        await read(room, root, CID)
    with pytest.raises(Conflict, match="not_a_thread_root"):
        await read(room, reply)
    other = await den(room.chat)
    with pytest.raises(NotFound, match="message_not_found"):
        await read(other, root)


async def test_a_thread_outlives_its_root(room: Den) -> None:
    root = await thread_of(room, 1)
    await messages.delete(room.chat, ADA, room.the(root))
    page = await read(room, root)
    assert json.loads(bytes(page.root))["state"]["deleted"]
    assert offsets(page) == [4]
    with pytest.raises(NotFound, match="message_not_found"):
        await room.say(BOB, thread=root)


async def unread_threads(room: Den, user: UserId) -> int:
    return (await rooms.get(room.chat, user, rooms.ThisRoom(room.room))).room.threads


async def test_followed_threads_with_unread_replies_are_counted_in_the_room(room: Den) -> None:
    root = await thread_of(room, 2)
    assert (await unread_threads(room, ADA), await unread_threads(room, BOB)) == (1, 0)
    moved = await markers.set_marker(room.chat, ADA, markers.MoveMarker(room.room, 99, root))
    assert moved == markers.Marker(5)
    assert await unread_threads(room, ADA) == 0
    assert (await read(room, root, ADA)).unread == 0
    await room.say(BOB, thread=root)
    assert await unread_threads(room, ADA) == 1
    await threads.mute(room.chat, ADA, threads.MuteThread(room=room.room, thread=root, muted=True))
    assert (await unread_threads(room, ADA), (await read(room, root, ADA)).muted) == (0, True)
    await threads.mute(room.chat, ADA, threads.MuteThread(room=room.room, thread=root, muted=False))
    assert await unread_threads(room, ADA) == 1
    await threads.follow(room.chat, ADA, threads.FollowThread(room=room.room, thread=root, follow=False))
    assert (await unread_threads(room, ADA), (await read(room, root, ADA)).follows) == (0, False)


async def test_who_follows_later_begins_at_the_end_and_their_devices_hear_of_it(room: Den, relayed: Any) -> None:
    await memberships.join(room.chat, CID, memberships.JoinRoom(room=room.room))
    root = await thread_of(room, 2)
    await threads.follow(room.chat, CID, threads.FollowThread(room=room.room, thread=root, follow=True))
    log, (entry,) = relayed[-1]
    assert (log, entry.kind) == ("user:cid", Kind.THREAD_FOLLOWED)
    assert json.loads(entry.content) == {"room": room.room, "thread": root, "follows": True, "muted": False}
    page = await read(room, root, CID)
    assert (page.follows, page.marker, page.unread) == (True, 6, 0)
    await room.say(BOB, thread=root)
    assert (await read(room, root, CID)).unread == 1


async def test_a_threads_marker_moves_forward_only_and_is_told(room: Den, relayed: Any) -> None:
    root = await thread_of(room, 3)
    move = [markers.MoveMarker(room.room, offset, root) for offset in (5, 4, 0, 99)]
    assert [(await markers.set_marker(room.chat, ADA, one)).offset for one in move] == [5, 5, 5, 6]
    log, (entry,) = relayed[-1]
    assert (log, entry.kind) == ("user:ada", Kind.MARKER_MOVED)
    assert json.loads(entry.content) == {"room": room.room, "thread": root, "offset": 6, "posts": 3}
    with pytest.raises(NotFound, match="room_not_found"):
        await markers.set_marker(room.chat, CID, move[0])
    with pytest.raises(NotFound, match="message_not_found"):
        await markers.set_marker(room.chat, ADA, markers.MoveMarker((await den(room.chat)).room, 5, root))
