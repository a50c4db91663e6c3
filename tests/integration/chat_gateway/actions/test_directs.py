import asyncio
from collections.abc import Sequence

import msgspec
import pytest
import uuid_utils

from chat_gateway.actions import directs, invitations, memberships, messages, people, rooms
from chat_gateway.actions.directs import Open
from chat_gateway.core.chat import Chat
from chat_gateway.core.entries import Entry, Kind
from chat_gateway.core.ids import LogId, UserId
from chat_gateway.core.people import Person
from shared.errors import InvalidInput, RateLimited
from tests.integration.chat_gateway.actions.scene import ADA, BOB, CY, DAN, code, known, mine, roster, seen

OWN = str(uuid_utils.uuid7())


@pytest.fixture(autouse=True)
async def _all_known(chat: Chat) -> None:
    await known(chat, ADA, BOB, CY, DAN)


async def opened(chat: Chat, user: UserId, *others: str, client_id: str | None = None) -> str:
    return (await directs.open_direct(chat, user, Open(users=list(others), client_id=client_id))).room.id


async def test_the_same_people_have_one_room_and_are_in_it_at_once(chat: Chat, other_chat: Chat) -> None:
    room = (await directs.open_direct(chat, ADA, Open(users=[BOB, CY, BOB, ADA]))).room
    assert (room.kind, room.name, room.role, room.members, room.unread) == ("direct", "", "member", 3, 0)
    assert room.people == (ADA, BOB, CY)
    assert await opened(other_chat, CY, ADA, BOB) == room.id
    assert await opened(chat, ADA, BOB) != room.id
    assert room.id in await mine(chat, BOB)
    assert await roster(chat, BOB, room.id) == {ADA: "member", BOB: "member", CY: "member"}


async def test_only_what_is_new_has_a_pace_and_a_refusal_opens_nothing(chat: Chat) -> None:
    asked: list[UserId] = []

    def refuse_the_second(user: UserId) -> None:
        asked.append(user)
        if len(asked) == 2:
            raise RateLimited("rate_limited", "Wait.", retry_after=7)

    paced = msgspec.structs.replace(chat, check_new_direct=refuse_the_second)
    room = await opened(paced, ADA, BOB)
    assert [await opened(paced, user, other) for user, other in ((ADA, BOB), (BOB, ADA))] == [room, room]
    assert asked == [ADA]
    assert await code(directs.open_direct(paced, ADA, Open(users=[CY]))) == "rate_limited"
    assert await mine(chat, CY) == set()
    await opened(paced, BOB, CY)
    assert asked == [ADA, ADA, BOB]


async def test_each_is_told_in_their_own_log(chat: Chat, relayed: list[tuple[LogId, Sequence[Entry]]]) -> None:
    room = await opened(chat, ADA, BOB)
    told = {log: [(entry.kind, entry.content) for entry in entries] for log, entries in relayed}
    notice = (Kind.ROOM_JOINED, f'{{"room":"{room}"}}')
    assert told == {
        f"room:{room}": [(Kind.MEMBER_JOINED, '{"role":"member","people":["ada","bob"]}')],
        "user:ada": [notice],
        "user:bob": [notice],
    }


async def test_people_who_open_it_at_the_same_time_through_two_gateways_meet(chat: Chat, other_chat: Chat) -> None:
    asked = [opened(one, user, other) for one, user, other in ((chat, ADA, BOB), (other_chat, BOB, ADA)) * 5]
    found = await asyncio.gather(*asked)
    assert len(set(found)) == 1
    assert (await seen(chat, ADA, found[0])).head == 1


async def test_opening_may_be_repeated(chat: Chat, other_chat: Chat) -> None:
    assert await opened(chat, ADA, BOB, client_id=OWN) == await opened(other_chat, ADA, BOB, client_id=OWN)
    other = directs.open_direct(chat, ADA, Open(users=[CY], client_id=OWN))
    assert await code(other) == "client_id_conflict"


@pytest.mark.parametrize("users", [[ADA], [ADA, ADA]])
async def test_a_direct_room_needs_somebody_else(chat: Chat, users: list[str]) -> None:
    with pytest.raises(InvalidInput):
        await directs.open_direct(chat, ADA, Open(users=users))


async def test_whoever_is_unknown_or_disabled_cannot_be_spoken_to(chat: Chat) -> None:
    await chat.people.know(Person(id=UserId("eve"), name="Eve", disabled=True))
    for user in ("nobody", "eve"):
        assert await code(directs.open_direct(chat, ADA, Open(users=[BOB, user]))) == "person_not_found"


async def test_who_was_blocked_opens_nothing_and_posts_nothing(chat: Chat) -> None:
    await people.block(chat, BOB, people.ThisPerson(ADA))
    assert await code(directs.open_direct(chat, ADA, Open(users=[BOB]))) == "not_reachable"
    assert await code(directs.open_direct(chat, ADA, Open(users=[BOB, CY]))) == "not_reachable"
    room = await opened(chat, BOB, ADA)
    post = messages.PostMessage(room=room, body="hi")
    assert [await code(messages.post(chat, user, post)) for user in (ADA, BOB)] == ["not_reachable", "ok"]
    assert await opened(chat, ADA, BOB) == room, "a room that is there is shown"
    await people.unblock(chat, BOB, people.ThisPerson(ADA))
    assert await code(messages.post(chat, ADA, post)) == "ok"


async def test_nobody_comes_or_goes_and_nobody_rules(chat: Chat) -> None:
    room = await opened(chat, ADA, BOB)
    this = memberships.ThisMember(room=room, user=BOB)
    asked = [
        memberships.leave(chat, ADA, memberships.LeaveRoom(room=room)),
        memberships.remove(chat, ADA, this),
        memberships.ban(chat, ADA, this),
        memberships.unban(chat, ADA, this),
        memberships.set_role(chat, ADA, memberships.GiveRole(room=room, user=BOB, role="owner")),
        invitations.invite(chat, ADA, invitations.InviteToRoom(room=room)),
        rooms.update(chat, ADA, rooms.UpdateRoom(room=room, name="Ours")),
        rooms.archive(chat, ADA, rooms.ArchiveRoom(room=room)),
    ]
    assert [await code(one) for one in asked] == ["direct_room"] * len(asked)
    assert await code(memberships.join(chat, CY, memberships.JoinRoom(room=room))) == "room_not_found"
    assert await roster(chat, BOB, room) == {ADA: "member", BOB: "member"}
    listed = await rooms.list_rooms(chat, ADA, rooms.ListRooms(scope="public"))
    assert room not in {one.id for one in listed.rooms}
