import asyncio

import pytest

from chat_gateway.actions import invitations, memberships, rooms
from chat_gateway.actions.invitations import InviteToRoom
from chat_gateway.actions.memberships import GiveRole, JoinRoom, ThisMember
from chat_gateway.core import invitations as invitations_of_core
from chat_gateway.core.chat import Chat
from chat_gateway.core.ids import UserId
from tests.integration.chat_gateway.actions.scene import ADA, BOB, CY, DAN, code, create, mine, room_of, seen
from tests.integration.chat_gateway.store.gateway import execute, rows


async def private(chat: Chat) -> str:
    return (await create(chat, ADA, kind="private")).id


async def token_to(chat: Chat, room: str, **fields: int) -> str:
    made = await invitations.invite(chat, ADA, InviteToRoom(room=room, **fields))  # type: ignore[arg-type]
    assert made.invite is not None
    return made.invite


async def joins(chat: Chat, user: UserId, token: str) -> str:
    return await code(memberships.join(chat, user, JoinRoom(invite=token)))


async def test_an_invitation_lets_into_a_private_room(chat: Chat, other_chat: Chat) -> None:
    room = await private(chat)
    token = await token_to(chat, room)
    joined = (await memberships.join(other_chat, BOB, JoinRoom(invite=token))).room
    assert (joined.id, joined.role, joined.kind) == (room, "member", "private")
    assert await joins(chat, BOB, token) == "ok", "whoever is in already gets the room"


async def test_a_token_cannot_be_guessed_and_only_its_hash_is_kept(chat: Chat, url: str) -> None:
    room = await private(chat)
    tokens = {await token_to(chat, room) for _ in range(3)}
    assert len(tokens) == 3
    assert all(len(token) >= 22 and token.replace("-", "a").replace("_", "a").isalnum() for token in tokens)
    stored = {hashed for (hashed,) in await rows(url, "SELECT token_hash FROM invite")}
    assert len(stored) == 3
    assert not stored & tokens


async def test_an_invitation_ends_with_its_time_and_its_uses(chat: Chat, url: str) -> None:
    room = await private(chat)
    made = await invitations.invite(chat, ADA, InviteToRoom(room=room, expires_in=60, uses=2))
    assert made.invite is not None
    ((expires_at, created),) = await rows(
        url, f"SELECT expires_at, created_at FROM invite JOIN room ON room.id = room_id WHERE room_id = '{room}'"
    )
    assert made.expires_at == expires_at
    assert 60_000 <= expires_at - created < 120_000
    assert [await joins(chat, user, made.invite) for user in (BOB, BOB, CY, DAN)] == [
        "ok",
        "ok",
        "ok",
        "room_not_found",
    ]

    late = await token_to(chat, room)
    await execute(url, "UPDATE invite SET expires_at = 1")
    assert await joins(chat, DAN, late) == "room_not_found"


async def test_what_is_long_over_is_deleted_with_the_next_invitation_to_the_room(chat: Chat, url: str) -> None:
    room, elsewhere = await private(chat), await private(chat)
    over, older, other = await token_to(chat, room), await token_to(chat, room), await token_to(chat, elsewhere)
    await joins(chat, BOB, over)
    week = invitations_of_core.KEPT_SECONDS * 1000
    for token, ago in ((over, week - 60_000), (older, week + 60_000), (other, week + 60_000)):
        hashed = invitations_of_core.token_hash(token)
        created = f"(SELECT created_at FROM room WHERE id = '{room}')"
        await execute(url, f"UPDATE invite SET expires_at = {created} - {ago} WHERE token_hash = '{hashed}'")
    new = await token_to(chat, room)
    stored = {hashed for (hashed,) in await rows(url, "SELECT token_hash FROM invite")}
    assert stored == {invitations_of_core.token_hash(token) for token in (over, other, new)}
    assert [await joins(chat, BOB, token) for token in (over, older)] == ["ok", "room_not_found"]
    assert [await joins(chat, CY, token) for token in (over, new)] == ["room_not_found", "ok"]


async def test_the_last_use_lets_one_in_through_whichever_gateway(chat: Chat, other_chat: Chat) -> None:
    token = await token_to(chat, await private(chat), uses=1)
    assert sorted(await asyncio.gather(joins(chat, BOB, token), joins(other_chat, CY, token))) == [
        "ok",
        "room_not_found",
    ]


async def test_all_invitations_of_a_room_end_at_once_and_those_of_others_stay(chat: Chat) -> None:
    room, elsewhere = await private(chat), await private(chat)
    tokens, other = [await token_to(chat, room), await token_to(chat, room)], await token_to(chat, elsewhere)
    assert await invitations.invite(chat, ADA, InviteToRoom(room=room, revoke=True)) == invitations.Invitation()
    assert [await joins(chat, BOB, token) for token in (*tokens, other)] == ["room_not_found", "room_not_found", "ok"]


async def test_a_banned_person_is_not_let_in_by_an_invitation(chat: Chat) -> None:
    room = await private(chat)
    token = await token_to(chat, room)
    await joins(chat, BOB, token)
    await memberships.ban(chat, ADA, ThisMember(room=room, user=BOB))
    assert await joins(chat, BOB, token) == "room_not_found"
    public = await room_of(chat, ADA, CY)
    await memberships.ban(chat, ADA, ThisMember(room=public, user=CY))
    assert await joins(chat, CY, await token_to(chat, public)) == "banned"


async def test_a_removed_person_comes_back_by_an_invitation_only(chat: Chat) -> None:
    room = await private(chat)
    token = await token_to(chat, room)
    await joins(chat, BOB, token)
    await memberships.remove(chat, ADA, ThisMember(room=room, user=BOB))
    assert await code(memberships.join(chat, BOB, JoinRoom(room=room))) == "room_not_found"
    assert await joins(chat, BOB, token) == "ok"
    assert await mine(chat, BOB) == {room}


@pytest.mark.parametrize("how", ["removed", "banned", "left", "demoted"])
async def test_an_invitation_ends_with_the_right_of_whoever_made_it(chat: Chat, other_chat: Chat, how: str) -> None:
    room = await private(chat)
    await joins(chat, BOB, await token_to(chat, room))
    await memberships.set_role(chat, ADA, GiveRole(room=room, user=BOB, role="admin"))
    made = await invitations.invite(other_chat, BOB, InviteToRoom(room=room))
    assert made.invite is not None
    bob = ThisMember(room=room, user=BOB)
    await {
        "removed": lambda: memberships.remove(chat, ADA, bob),
        "banned": lambda: memberships.ban(chat, ADA, bob),
        "left": lambda: memberships.leave(chat, BOB, memberships.LeaveRoom(room=room)),
        "demoted": lambda: memberships.set_role(chat, ADA, GiveRole(room=room, user=BOB, role="member")),
    }[how]()
    assert await joins(other_chat, CY, made.invite) == "room_not_found"
    assert await joins(chat, CY, await token_to(chat, room)) == "ok", "the invitations of others stay"


async def test_an_archived_room_lets_nobody_in(chat: Chat) -> None:
    room = await private(chat)
    token = await token_to(chat, room)
    await rooms.archive(chat, ADA, rooms.ArchiveRoom(room=room))
    assert await joins(chat, BOB, token) == "room_archived"
    assert (await seen(chat, ADA, room)).members == 1


@pytest.mark.parametrize(("user", "expected"), [(ADA, "ok"), (BOB, "ok"), (CY, "not_allowed"), (DAN, "room_not_found")])
async def test_who_may_invite(chat: Chat, user: UserId, expected: str) -> None:
    room = await room_of(chat, ADA, BOB, CY, admin=BOB)
    for revoke in (False, True):
        assert await code(invitations.invite(chat, user, InviteToRoom(room=room, revoke=revoke))) == expected
