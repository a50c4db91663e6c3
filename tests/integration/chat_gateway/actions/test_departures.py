import asyncio
from collections.abc import Sequence

import pytest

from chat_gateway.actions import directs, memberships, messages, reactions, rooms
from chat_gateway.actions.departures import depart
from chat_gateway.actions.targets import ThisMessage
from chat_gateway.core.chat import Chat
from chat_gateway.core.entries import Entry, Kind
from chat_gateway.core.ids import LogId, RoomId, UserId
from chat_gateway.core.people import Person
from chat_gateway.store.database import Database
from chat_gateway.store.people import People
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
from tests.integration.chat_gateway.store.gateway import execute

Relayed = list[tuple[LogId, Sequence[Entry]]]


@pytest.fixture(autouse=True)
async def _all_known(chat: Chat) -> None:
    await known(chat, ADA, BOB, CY, DAN)


async def delete(url: str, *users: UserId) -> None:
    """Hear from auth that these accounts are deleted."""
    database = Database(url)
    await People(database).apply_feed(
        [(n, Person(id=user, name="", disabled=True)) for n, user in enumerate(users, 7)], 9
    )
    await database.close()


def told(relayed: Relayed, room: str) -> list[tuple[int, str, str | None, str]]:
    return [
        (entry.kind, entry.author, entry.subject, entry.content)
        for log, entries in relayed
        if log == f"room:{room}"
        for entry in entries
        if entry.kind in {Kind.MEMBER_LEFT, Kind.MEMBER_ROLE}
    ]


async def test_a_member_who_is_gone_leaves_once(chat: Chat, relayed: Relayed, url: str) -> None:
    room = await room_of(chat, ADA, BOB, CY)
    await delete(url, BOB)
    for _ in range(2):
        await depart(chat, BOB, RoomId(room), is_owner=False)
    assert told(relayed, room) == [(Kind.MEMBER_LEFT, BOB, BOB, "{}")]
    assert (await seen(chat, ADA, room)).members == 2
    assert await roster(chat, ADA, room) == {ADA: "owner", CY: "member"}
    assert await mine(chat, BOB) == set()


async def test_the_room_of_an_only_owner_falls_to_the_admin_who_came_first(
    chat: Chat, relayed: Relayed, url: str
) -> None:
    room = await room_of(chat, ADA, DAN, CY, BOB, admin=BOB)
    await memberships.set_role(chat, ADA, memberships.GiveRole(room=room, user=CY, role="admin"))
    relayed.clear()
    await delete(url, ADA)
    await depart(chat, ADA, RoomId(room), is_owner=True)
    assert told(relayed, room) == [(Kind.MEMBER_ROLE, ADA, CY, '{"role":"owner"}'), (Kind.MEMBER_LEFT, ADA, ADA, "{}")]
    assert await roster(chat, DAN, room) == {CY: "owner", BOB: "admin", DAN: "member"}
    await rooms.update(chat, CY, rooms.UpdateRoom(room=room, name="Mine now"))


async def test_where_nobody_is_an_admin_it_falls_to_the_member_who_came_first(chat: Chat, url: str) -> None:
    room = await room_of(chat, ADA, DAN, BOB)
    await delete(url, ADA)
    await depart(chat, ADA, RoomId(room), is_owner=True)
    assert await roster(chat, DAN, room) == {DAN: "owner", BOB: "member"}


async def test_an_empty_room_needs_no_owner(chat: Chat, relayed: Relayed, url: str) -> None:
    room = await room_of(chat, ADA)
    await delete(url, ADA)
    await depart(chat, ADA, RoomId(room), is_owner=True)
    assert told(relayed, room) == [(Kind.MEMBER_LEFT, ADA, ADA, "{}")]
    assert (await seen(chat, BOB, room)).members == 0


async def test_a_disabled_owner_may_come_back_and_stays_the_owner(chat: Chat, relayed: Relayed, url: str) -> None:
    room = await room_of(chat, ADA, BOB, CY)
    await memberships.set_role(chat, ADA, memberships.GiveRole(room=room, user=BOB, role="owner"))
    relayed.clear()
    await execute(url, "UPDATE person SET disabled = true WHERE id = 'bob'")
    await delete(url, ADA)
    await depart(chat, ADA, RoomId(room), is_owner=True)
    assert told(relayed, room) == [(Kind.MEMBER_LEFT, ADA, ADA, "{}")]
    assert await roster(chat, CY, room) == {BOB: "owner", CY: "member"}


async def test_who_cannot_log_in_inherits_nothing(chat: Chat, relayed: Relayed, url: str) -> None:
    room = await room_of(chat, ADA, BOB)
    await execute(url, "UPDATE person SET disabled = true WHERE id = 'bob'")
    await delete(url, ADA)
    await depart(chat, ADA, RoomId(room), is_owner=True)
    assert told(relayed, room) == [(Kind.MEMBER_LEFT, ADA, ADA, "{}")]


async def test_the_last_owner_who_lives_stays_also_while_a_deleted_one_is_in_the_room(chat: Chat, url: str) -> None:
    room = await room_of(chat, ADA, BOB, CY)
    give = memberships.GiveRole(room=room, user=BOB, role="owner")
    await memberships.set_role(chat, ADA, give)
    await delete(url, ADA)
    step_down = memberships.GiveRole(room=room, user=BOB, role="member")
    assert await code(memberships.leave(chat, BOB, memberships.LeaveRoom(room=room))) == "last_owner"
    assert await code(memberships.set_role(chat, BOB, step_down)) == "last_owner"
    assert await code(memberships.remove(chat, BOB, memberships.ThisMember(room=room, user=BOB))) == "last_owner"


async def test_two_owners_who_are_gone_leave_one_heir_whoever_of_two_gateways_is_first(
    chat: Chat, other_chat: Chat, url: str
) -> None:
    room = await room_of(chat, ADA, BOB, CY, DAN)
    await memberships.set_role(chat, ADA, memberships.GiveRole(room=room, user=BOB, role="owner"))
    await delete(url, ADA, BOB)
    departing = [depart(one, user, RoomId(room), is_owner=True) for one in (chat, other_chat) for user in (ADA, BOB)]
    await asyncio.gather(*departing, *[depart(other_chat, ADA, RoomId(room), is_owner=True) for _ in range(5)])
    assert await roster(chat, DAN, room) == {CY: "owner", DAN: "member"}
    entries = await _log(url, room)
    assert sorted(entries) == [(Kind.MEMBER_LEFT, "ada"), (Kind.MEMBER_LEFT, "bob"), (Kind.MEMBER_ROLE, "cy")]


async def test_one_who_is_made_an_owner_at_the_last_moment_hands_over_all_the_same(chat: Chat, url: str) -> None:
    room = await room_of(chat, ADA, BOB)
    await delete(url, ADA)
    await depart(chat, ADA, RoomId(room), is_owner=False)
    assert await roster(chat, BOB, room) == {BOB: "owner"}


async def test_a_direct_room_stays_whole_and_says_that_nobody_would_read(chat: Chat, url: str) -> None:
    room = (await directs.open_direct(chat, ADA, directs.Open(users=[BOB]))).room.id
    posted = await messages.post(chat, BOB, messages.PostMessage(room=room, body="hello"))
    await delete(url, ADA)
    await depart(chat, ADA, RoomId(room), is_owner=False)
    await chat.people.block(ADA, BOB)

    assert (await seen(chat, BOB, room)).people == (ADA, BOB)
    assert await roster(chat, BOB, room) == {ADA: "member", BOB: "member"}
    post = messages.PostMessage(room=room, body="anybody?")
    react = reactions.ReactToMessage(room=room, message=posted.id, emoji=":eyes:")
    edit = messages.EditMessage(room=room, message=posted.id, body="bye")
    assert await code(messages.post(chat, BOB, post)) == "account_deleted"
    assert await code(reactions.react(chat, BOB, react)) == "account_deleted"
    assert await code(messages.edit(chat, BOB, edit)) == "account_deleted"
    assert (await directs.open_direct(chat, BOB, directs.Open(users=[ADA]))).room.id == room
    assert await code(directs.open_direct(chat, CY, directs.Open(users=[ADA]))) == "person_not_found"
    assert await code(messages.delete(chat, BOB, ThisMessage(room=room, message=posted.id))) == "ok"


async def test_who_is_blocked_by_somebody_alive_is_not_told_of_a_deletion(chat: Chat) -> None:
    room = (await directs.open_direct(chat, ADA, directs.Open(users=[BOB]))).room.id
    await chat.people.block(ADA, BOB)
    assert await code(messages.post(chat, BOB, messages.PostMessage(room=room, body="hi"))) == "not_reachable"
    await chat.people.block(CY, BOB)
    assert await code(directs.open_direct(chat, BOB, directs.Open(users=[CY]))) == "not_reachable"


async def test_posts_that_are_under_way_stand_before_the_leaving_or_are_refused(
    chat: Chat, other_chat: Chat, url: str
) -> None:
    room = (await create(chat, ADA)).id
    await memberships.join(chat, BOB, memberships.JoinRoom(room=room))
    await delete(url, BOB)
    post = messages.PostMessage(room=room, body="hi")
    posting = [code(messages.post(chat, BOB, post)) for _ in range(20)]
    answers = (await asyncio.gather(*posting, depart(other_chat, BOB, RoomId(room), is_owner=False)))[:-1]
    assert set(answers) <= {"ok", "room_not_found"}
    database = Database(url)
    async with database.statement() as connection:
        sql = f"""SELECT author, kind FROM entry WHERE log_id = 'room:{room}' ORDER BY "offset" """
        log = [tuple(row) for row in await connection.exec_driver_sql(sql)]
    await database.close()
    assert log[-1] == (BOB, Kind.MEMBER_LEFT)
    assert log.count((BOB, Kind.MESSAGE_POSTED)) == answers.count("ok")


async def _log(url: str, room: str) -> list[tuple[int, str]]:
    database = Database(url)
    async with database.statement() as connection:
        sql = (
            f"""SELECT kind, subject FROM entry WHERE log_id = 'room:{room}' AND kind IN (11, 15) ORDER BY "offset" """
        )
        found = [(row.kind, row.subject) for row in await connection.exec_driver_sql(sql)]
    await database.close()
    return found[1:]
