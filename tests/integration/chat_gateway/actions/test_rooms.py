from collections.abc import Sequence
from typing import Literal

import msgspec
import pytest
import uuid_utils

from chat_gateway.actions import memberships, messages, rooms
from chat_gateway.core.chat import Chat
from chat_gateway.core.entries import Entry
from chat_gateway.core.ids import LogId
from chat_gateway.core.rooms import DEFAULT_ROOM
from shared.errors import Conflict, InvalidInput
from tests.integration.chat_gateway.actions.scene import ADA, BOB, CY, DAN, code, create, mine, room_of, seen

OWN = str(uuid_utils.uuid7())


async def test_whoever_makes_a_room_owns_it(chat: Chat) -> None:
    room = await create(chat, ADA, name="  The \n Den ", topic=" All \n things ", read_only=True)
    assert (room.name, room.role, room.kind, room.unread) == ("The Den", "owner", "public", 0)
    assert (room.topic, room.read_only, room.archived, room.members, room.people) == ("All things", True, False, 1, ())
    assert await mine(chat, ADA) == {room.id}


async def test_a_repeated_create_shows_the_room_made_first(chat: Chat, other_chat: Chat) -> None:
    first = await create(chat, ADA, client_id=OWN)
    assert (await create(other_chat, ADA, client_id=OWN)).id == first.id
    assert await mine(chat, ADA) == {first.id}
    assert (await create(chat, BOB, client_id=OWN)).id != first.id, "ids of one person say nothing to another"
    with pytest.raises(Conflict, match="client_id_conflict"):
        await create(chat, ADA, client_id=OWN, name="Another")


async def test_a_repeated_create_is_known_after_the_room_got_another_name(chat: Chat) -> None:
    first = await create(chat, ADA, client_id=OWN)
    await rooms.update(chat, ADA, rooms.UpdateRoom(room=first.id, name="Lair"))
    assert (await create(chat, ADA, client_id=OWN)).name == "Lair"


async def test_a_name_must_be_printable_and_not_too_long(chat: Chat) -> None:
    for name in ("", "   ", "x" * 81, "a\u202eb"):
        with pytest.raises(InvalidInput):
            await create(chat, ADA, name=name)
    for topic in ("x" * 251, "a\u202eb"):
        with pytest.raises(InvalidInput):
            await create(chat, ADA, topic=topic)


async def test_all_public_rooms_are_listed_whether_one_is_in_or_not(chat: Chat) -> None:
    public, private = await create(chat, ADA), await create(chat, ADA, kind="private")
    listed = (await rooms.list_rooms(chat, BOB, rooms.ListRooms(scope="public"))).rooms
    assert {room.id for room in listed} == {DEFAULT_ROOM, public.id}
    assert private.id not in {room.id for room in listed}


async def test_public_rooms_come_in_pages_and_ones_own_all_at_once(chat: Chat) -> None:
    made = [await create(chat, ADA, name=name) for name in ("c", "a", "b")]
    first = await rooms.list_rooms(chat, BOB, rooms.ListRooms(scope="public", limit=2))
    assert ([room.name for room in first.rooms], first.more) == (["a", "b"], True)
    rest = await rooms.list_rooms(chat, BOB, rooms.ListRooms(scope="public", limit=2, after=first.rooms[-1].id))
    assert ([room.name for room in rest.rooms], rest.more) == (["c", "Lobby"], False)
    own = await rooms.list_rooms(chat, ADA, rooms.ListRooms(limit=1))
    assert ({room.id for room in own.rooms}, own.more) == ({room.id for room in made}, False)
    with pytest.raises(InvalidInput, match="all at once"):
        await rooms.list_rooms(chat, ADA, rooms.ListRooms(after=made[0].id))
    assert await code(rooms.list_rooms(chat, ADA, rooms.ListRooms(scope="public", after="nowhere"))) == "room_not_found"


async def test_where_rooms_are_kept_to_some_no_list_has_others(chat: Chat) -> None:
    inside, outside = await create(chat, ADA), await create(chat, ADA)
    kept = msgspec.structs.replace(chat, within=frozenset({inside.id}))
    scopes: tuple[Literal["mine", "public"], ...] = ("mine", "public")
    for scope in scopes:
        listed = await rooms.list_rooms(kept, ADA, rooms.ListRooms(scope=scope))
        assert [room.id for room in listed.rooms] == [inside.id], outside.id


async def test_members_are_counted_as_they_come_and_go(chat: Chat) -> None:
    room = await room_of(chat, ADA, BOB, CY, DAN)
    assert (await seen(chat, ADA, room)).members == 4
    await memberships.leave(chat, BOB, memberships.LeaveRoom(room=room))
    await memberships.remove(chat, ADA, memberships.ThisMember(room=room, user=CY))
    await memberships.ban(chat, ADA, memberships.ThisMember(room=room, user=DAN))
    assert (await seen(chat, ADA, room)).members == 1


async def test_an_update_changes_what_it_names_and_tells_that_only(
    chat: Chat, relayed: list[tuple[LogId, Sequence[Entry]]]
) -> None:
    room = await room_of(chat, ADA, BOB, admin=BOB)
    relayed.clear()
    updated = await rooms.update(chat, BOB, rooms.UpdateRoom(room=room, name="Den", topic="Talk", read_only=True))
    assert (updated.room.name, updated.room.topic, updated.room.read_only) == ("Den", "Talk", True)
    ((log, (entry,)),) = relayed
    assert (log, entry.content) == (f"room:{room}", '{"topic":"Talk","read_only":true}')
    relayed.clear()
    await rooms.update(chat, ADA, rooms.UpdateRoom(room=room, topic="Talk"))
    assert relayed == [], "nothing changed"


async def test_an_update_may_be_repeated(chat: Chat, other_chat: Chat) -> None:
    room = await room_of(chat, ADA)
    first = await rooms.update(chat, ADA, rooms.UpdateRoom(room=room, topic="Talk", client_id=OWN))
    again = await rooms.update(other_chat, ADA, rooms.UpdateRoom(room=room, topic="Talk", client_id=OWN))
    assert again == first
    assert await code(rooms.update(chat, ADA, rooms.UpdateRoom(room=room, topic="x", client_id=OWN))) == (
        "client_id_conflict"
    )


@pytest.mark.parametrize(
    ("user", "updates", "archives"),
    [
        (ADA, "ok", "ok"),
        (BOB, "ok", "not_allowed"),
        (CY, "not_allowed", "not_allowed"),
        (DAN, "room_not_found", "room_not_found"),
    ],
)
async def test_who_may_change_a_room(chat: Chat, user: str, updates: str, archives: str) -> None:
    room = await room_of(chat, ADA, BOB, CY, admin=BOB)
    assert await code(rooms.update(chat, user, rooms.UpdateRoom(room=room, name="New"))) == updates  # type: ignore[arg-type]
    assert await code(rooms.archive(chat, user, rooms.ArchiveRoom(room=room))) == archives  # type: ignore[arg-type]


async def test_an_archived_room_is_read_and_left_but_not_joined_or_posted_to(chat: Chat) -> None:
    room = await room_of(chat, ADA, BOB)
    for _ in range(2):
        assert (await rooms.archive(chat, ADA, rooms.ArchiveRoom(room=room, client_id=OWN))).room.archived
    post = messages.PostMessage(room=room, body="hi")
    assert await code(messages.post(chat, ADA, post)) == "room_archived"
    assert await code(memberships.join(chat, CY, memberships.JoinRoom(room=room))) == "room_archived"
    assert (await seen(chat, BOB, room)).archived
    assert await code(memberships.leave(chat, BOB, memberships.LeaveRoom(room=room))) == "ok"

    opened = await rooms.archive(chat, ADA, rooms.ArchiveRoom(room=room, archived=False))
    assert not opened.room.archived
    assert await code(messages.post(chat, ADA, post)) == "ok"


async def test_only_owners_and_admins_post_in_a_read_only_room(chat: Chat) -> None:
    room = await room_of(chat, ADA, BOB, CY, admin=BOB)
    await rooms.update(chat, BOB, rooms.UpdateRoom(room=room, read_only=True))
    post = messages.PostMessage(room=room, body="hi")
    codes = [await code(messages.post(chat, user, post)) for user in (ADA, BOB, CY)]
    assert codes == ["ok", "ok", "read_only"]
