import pytest
import uuid_utils

from chat_gateway.actions import rooms
from chat_gateway.core.chat import Chat
from chat_gateway.core.ids import UserId
from chat_gateway.core.rooms import DEFAULT_ROOM, Room
from shared.errors import Forbidden, InvalidInput, NotFound
from tests.integration.chat_gateway.actions.conftest import ADA, BOB


async def create(chat: Chat, user: UserId, **fields: str) -> Room:
    return (await rooms.create(chat, user, rooms.CreateRoom(**{"name": "Den", **fields}))).room  # type: ignore[arg-type] # a test's words


async def mine(chat: Chat, user: UserId) -> set[str]:
    return {room.id for room in (await rooms.list_rooms(chat, user, rooms.ListRooms())).rooms}


async def test_whoever_makes_a_room_owns_it(chat: Chat) -> None:
    room = await create(chat, ADA, name="  The \n Den ")
    assert (room.name, room.role, room.kind, room.unread) == ("The Den", "owner", "public", 0)
    assert await mine(chat, ADA) == {room.id}


async def test_a_repeated_create_shows_the_room_made_first(chat: Chat) -> None:
    same = str(uuid_utils.uuid7())
    first = await create(chat, ADA, client_id=same)
    assert (await create(chat, ADA, client_id=same)).id == first.id
    assert await mine(chat, ADA) == {first.id}
    assert (await create(chat, BOB, client_id=same)).id != first.id, "ids of one person say nothing to another"


async def test_a_name_must_be_printable_and_not_too_long(chat: Chat) -> None:
    for name in ("", "   ", "x" * 81, "a\u202eb"):
        with pytest.raises(InvalidInput):
            await create(chat, ADA, name=name)


async def test_a_public_room_is_joined_once_and_a_second_join_shows_it(chat: Chat) -> None:
    room = await create(chat, ADA)
    join = rooms.ChangeMembership(room=room.id)
    assert (await rooms.get(chat, BOB, rooms.ThisRoom(room.id))).room.role is None
    joined = (await rooms.join(chat, BOB, join)).room
    assert (joined.role, joined.unread) == ("member", 0)
    assert (await rooms.join(chat, BOB, join)).room.head == joined.head
    assert await mine(chat, BOB) == {room.id}


async def test_all_public_rooms_are_listed_whether_one_is_in_or_not(chat: Chat) -> None:
    public, private = await create(chat, ADA), await create(chat, ADA, kind="private")
    listed = (await rooms.list_rooms(chat, BOB, rooms.ListRooms(scope="public"))).rooms
    assert {room.id for room in listed} == {DEFAULT_ROOM, public.id}
    assert private.id not in {room.id for room in listed}


async def test_a_private_room_looks_like_a_missing_one_to_a_stranger(chat: Chat) -> None:
    private = await create(chat, ADA, kind="private")
    for room in (private.id, "missing"):
        with pytest.raises(NotFound, match="room_not_found"):
            await rooms.get(chat, BOB, rooms.ThisRoom(room))
        with pytest.raises(NotFound, match="room_not_found"):
            await rooms.join(chat, BOB, rooms.ChangeMembership(room=room))
        with pytest.raises(NotFound, match="room_not_found"):
            await rooms.leave(chat, BOB, rooms.ChangeMembership(room=room))
        with pytest.raises(NotFound, match="room_not_found"):
            await rooms.remove(chat, BOB, rooms.RemoveMember(room=room, user=ADA))


async def test_who_left_is_out_and_may_come_back(chat: Chat) -> None:
    room = await create(chat, ADA)
    there = rooms.ChangeMembership(room=room.id)
    await rooms.join(chat, BOB, there)
    assert await rooms.leave(chat, BOB, there) == rooms.Done()
    assert await mine(chat, BOB) == set()
    await rooms.join(chat, BOB, there)
    assert await mine(chat, BOB) == {room.id}


async def test_an_owner_removes_a_member_and_a_member_removes_nobody(chat: Chat) -> None:
    room = await create(chat, ADA)
    await rooms.join(chat, BOB, rooms.ChangeMembership(room=room.id))
    with pytest.raises(Forbidden, match="not_allowed"):
        await rooms.remove(chat, BOB, rooms.RemoveMember(room=room.id, user=ADA))
    again = str(uuid_utils.uuid7())
    for _ in range(2):
        removal = rooms.RemoveMember(room=room.id, user=BOB, client_id=again)
        assert await rooms.remove(chat, ADA, removal) == rooms.Done()
    assert await mine(chat, BOB) == set()
    with pytest.raises(NotFound, match="member_not_found"):
        await rooms.remove(chat, ADA, rooms.RemoveMember(room=room.id, user=BOB))
