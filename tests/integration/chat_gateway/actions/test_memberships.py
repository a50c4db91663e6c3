import asyncio
from collections.abc import Sequence

import pytest
import uuid_utils

from chat_gateway.actions import memberships, messages
from chat_gateway.actions.memberships import Done, GiveRole, JoinRoom, LeaveRoom, ThisMember
from chat_gateway.core.chat import Chat
from chat_gateway.core.entries import Entry, Kind
from chat_gateway.core.ids import LogId, UserId
from shared.errors import InvalidInput
from tests.integration.chat_gateway.actions.scene import (
    ADA,
    BOB,
    CY,
    DAN,
    code,
    create,
    known,
    mine,
    room_of,
    roster,
    seen,
)

OWN = str(uuid_utils.uuid7())


async def test_a_public_room_is_joined_once_and_a_second_join_shows_it(chat: Chat) -> None:
    room = (await create(chat, ADA)).id
    assert (await seen(chat, BOB, room)).role is None
    joined = (await memberships.join(chat, BOB, JoinRoom(room=room))).room
    assert (joined.role, joined.unread, joined.members) == ("member", 0, 2)
    assert (await memberships.join(chat, BOB, JoinRoom(room=room))).room == joined
    assert await mine(chat, BOB) == {room}


async def test_a_join_names_a_room_or_an_invitation(chat: Chat) -> None:
    for request in (JoinRoom(), JoinRoom(room="lobby", invite="token")):
        with pytest.raises(InvalidInput):
            await memberships.join(chat, BOB, request)


async def test_who_left_is_out_and_may_come_back(chat: Chat) -> None:
    room = await room_of(chat, ADA, BOB)
    assert await memberships.leave(chat, BOB, LeaveRoom(room=room)) == Done()
    assert await mine(chat, BOB) == set()
    await memberships.join(chat, BOB, JoinRoom(room=room))
    assert await mine(chat, BOB) == {room}


async def test_the_last_owner_leaves_only_an_empty_room_or_to_another_owner(chat: Chat) -> None:
    room = await room_of(chat, ADA, BOB)
    assert await code(memberships.leave(chat, ADA, LeaveRoom(room=room))) == "last_owner"
    assert await code(memberships.remove(chat, ADA, ThisMember(room=room, user=ADA))) == "last_owner"
    assert await code(memberships.set_role(chat, ADA, GiveRole(room=room, user=ADA, role="member"))) == "last_owner"
    await memberships.set_role(chat, ADA, GiveRole(room=room, user=BOB, role="owner"))
    assert await code(memberships.leave(chat, ADA, LeaveRoom(room=room))) == "ok"
    assert await roster(chat, BOB, room) == {BOB: "owner"}
    assert await code(memberships.leave(chat, BOB, LeaveRoom(room=room))) == "ok"


async def test_of_two_owners_who_leave_through_two_gateways_one_stays(chat: Chat, other_chat: Chat) -> None:
    room = await room_of(chat, ADA, BOB, CY)
    await memberships.set_role(chat, ADA, GiveRole(room=room, user=BOB, role="owner"))
    codes = await asyncio.gather(
        code(memberships.leave(chat, ADA, LeaveRoom(room=room))),
        code(memberships.leave(other_chat, BOB, LeaveRoom(room=room))),
    )
    assert sorted(codes) == ["last_owner", "ok"]


async def test_an_owner_removes_a_member_and_a_member_removes_nobody(chat: Chat, other_chat: Chat) -> None:
    room = await room_of(chat, ADA, BOB)
    assert await code(memberships.remove(chat, BOB, ThisMember(room=room, user=ADA))) == "not_allowed"
    for one in (chat, other_chat):
        assert await memberships.remove(one, ADA, ThisMember(room=room, user=BOB, client_id=OWN)) == Done()
    assert await mine(chat, BOB) == set()
    assert await code(memberships.remove(chat, ADA, ThisMember(room=room, user=BOB))) == "member_not_found"


async def test_a_banned_person_is_out_and_stays_out_until_unbanned(
    chat: Chat, relayed: list[tuple[LogId, Sequence[Entry]]]
) -> None:
    room = await room_of(chat, ADA, BOB, CY, admin=CY)
    relayed.clear()
    await memberships.ban(chat, CY, ThisMember(room=room, user=BOB))
    assert [(log, [entry.kind for entry in entries]) for log, entries in relayed] == [
        (f"room:{room}", [Kind.MEMBER_BANNED]),
        ("user:bob", [Kind.ROOM_REMOVED]),
    ]
    assert await code(memberships.join(chat, BOB, JoinRoom(room=room))) == "banned"
    assert await code(messages.post(chat, BOB, messages.PostMessage(room=room, body="hi"))) == "room_not_found"
    assert (await seen(chat, BOB, room)).role is None
    assert await code(memberships.unban(chat, BOB, ThisMember(room=room, user=BOB))) == "room_not_found"
    assert await memberships.unban(chat, CY, ThisMember(room=room, user=BOB)) == Done()
    assert await mine(chat, BOB) == set()
    assert (await memberships.join(chat, BOB, JoinRoom(room=room))).room.role == "member"


async def test_one_who_is_outside_may_be_banned_if_there_is_such_a_person(
    chat: Chat, relayed: list[tuple[LogId, Sequence[Entry]]]
) -> None:
    room = await room_of(chat, ADA)
    assert await code(memberships.ban(chat, ADA, ThisMember(room=room, user=DAN))) == "person_not_found"
    await known(chat, DAN)
    relayed.clear()
    for _ in range(2):
        await memberships.ban(chat, ADA, ThisMember(room=room, user=DAN, client_id=OWN))
    assert {log for log, _ in relayed} == {f"room:{room}"}
    assert await code(memberships.join(chat, DAN, JoinRoom(room=room))) == "banned"
    assert (await seen(chat, ADA, room)).members == 1
    await memberships.ban(chat, ADA, ThisMember(room=room, user=DAN))
    assert await roster(chat, ADA, room, status="banned") == {DAN: "member"}


@pytest.mark.parametrize("act", [memberships.remove, memberships.ban])
@pytest.mark.parametrize(
    ("actor", "subject", "expected"),
    [
        (ADA, BOB, "ok"),
        (BOB, ADA, "not_allowed"),
        (BOB, CY, "ok"),
        (CY, BOB, "not_allowed"),
        (DAN, CY, "room_not_found"),
    ],
)
async def test_who_may_put_whom_out(chat: Chat, act: object, actor: UserId, subject: UserId, expected: str) -> None:
    room = await room_of(chat, ADA, BOB, CY, admin=BOB)
    assert await code(act(chat, actor, ThisMember(room=room, user=subject))) == expected  # type: ignore[operator]


@pytest.mark.parametrize(
    ("actor", "subject", "expected"),
    [
        (ADA, CY, "ok"),
        (ADA, DAN, "member_not_found"),
        (BOB, CY, "not_allowed"),
        (CY, CY, "not_allowed"),
        (DAN, CY, "room_not_found"),
    ],
)
async def test_who_may_give_roles(chat: Chat, actor: UserId, subject: UserId, expected: str) -> None:
    room = await room_of(chat, ADA, BOB, CY, admin=BOB)
    assert await code(memberships.set_role(chat, actor, GiveRole(room=room, user=subject, role="admin"))) == expected
    expected_role = "admin" if expected == "ok" else "member"
    assert (await roster(chat, ADA, room))[CY] == expected_role


async def test_a_role_may_be_given_again_and_is_lost_with_the_membership(chat: Chat, other_chat: Chat) -> None:
    room = await room_of(chat, ADA, BOB)
    for one in (chat, other_chat):
        await memberships.set_role(one, ADA, GiveRole(room=room, user=BOB, role="admin", client_id=OWN))
    assert (await seen(chat, BOB, room)).role == "admin"
    await memberships.leave(chat, BOB, LeaveRoom(room=room))
    await memberships.join(chat, BOB, JoinRoom(room=room))
    assert (await seen(chat, BOB, room)).role == "member"


async def test_members_are_listed_page_by_page_for_members(chat: Chat) -> None:
    room = await room_of(chat, ADA, BOB, CY, DAN, admin=CY)
    ask = memberships.AskMembers
    first = await memberships.members(chat, DAN, ask(room=room, limit=3))
    assert ([member.user for member in first.members], first.more) == ([ADA, BOB, CY], True)
    rest = await memberships.members(chat, DAN, ask(room=room, limit=3, after=CY))
    assert ([member.user for member in rest.members], rest.more) == ([DAN], False)
    assert await roster(chat, ADA, room) == {ADA: "owner", BOB: "member", CY: "admin", DAN: "member"}
    await memberships.leave(chat, DAN, LeaveRoom(room=room))
    assert DAN not in await roster(chat, ADA, room)
    assert await code(memberships.members(chat, DAN, ask(room=room))) == "room_not_found"


async def test_only_owners_and_admins_see_who_is_banned(chat: Chat) -> None:
    room = await room_of(chat, ADA, BOB, CY, DAN, admin=BOB)
    await memberships.ban(chat, ADA, ThisMember(room=room, user=DAN))
    for user in (ADA, BOB):
        assert await roster(chat, user, room, status="banned") == {DAN: "member"}
    ask = memberships.AskMembers(room=room, status="banned")
    assert await code(memberships.members(chat, CY, ask)) == "not_allowed"
