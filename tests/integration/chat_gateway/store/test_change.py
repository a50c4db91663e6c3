"""Rooms, memberships and markers on both databases: who may do what, and which rows tell of it."""

import asyncio

import msgspec
import pytest

from chat_gateway.core.changes import Applied, Ban, Change, Invite, Join
from chat_gateway.core.entries import Kind
from chat_gateway.core.ids import ClientId, UserId, user_log
from shared.errors import Conflict, Forbidden, NotFound, Unavailable
from tests.integration.chat_gateway.store.gateway import (
    LOBBY,
    Gateway,
    change,
    codes,
    create,
    direct,
    execute,
    has_no_gap,
    join,
    leave,
    lossy,
    remove,
    rows,
    set_marker,
)


async def test_a_created_room_has_its_owner_and_tells_him_in_his_own_log(gateway: Gateway) -> None:
    made = create("ann", "The den", "private")
    applied = await gateway.log.append(made)
    entry, (notice,) = applied.entry, applied.others
    assert entry is not None
    assert (entry.kind, entry.id, entry.offset) == (Kind.MEMBER_JOINED, made.id, 1)
    assert (entry.subject, entry.content) == ("ann", '{"role":"owner","name":"The den","kind":"private"}')
    assert (notice.log, notice.kind, notice.offset) == ("user:ann", Kind.ROOM_JOINED, 1)
    assert (notice.author, notice.client_id, notice.posts) == ("ann", made.client_id, 0)
    assert notice.content == f'{{"room":"{made.room}"}}'
    assert notice.id not in ("", made.id)
    room = await gateway.rooms.find(made.room, UserId("ann"))
    assert room is not None
    assert (room.name, room.kind, room.role, room.head, room.marker, room.unread) == (
        "The den",
        "private",
        "owner",
        1,
        1,
        0,
    )


async def test_creating_again_with_the_same_client_id_is_a_repeat_with_the_same_rows(gateway: Gateway) -> None:
    first = await gateway.log.append(create("ann", cid="c"))
    again = await gateway.log.append(create("ann", cid="c"))
    assert again.repeated
    assert (again.entry, again.others) == (first.entry, first.others)
    with pytest.raises(Conflict):
        await gateway.log.append(create("ann", "another name", cid="c"))


async def test_two_gateways_creating_the_same_room_make_one(gateway: Gateway, other: Gateway) -> None:
    answers = [one.log.append(create("ann", cid=f"c{n}")) for n in range(10) for one in (gateway, other)]
    results = await asyncio.gather(*answers)
    assert sorted(result.repeated for result in results) == [False] * 10 + [True] * 10
    assert await has_no_gap(gateway.url)


async def test_joining_a_public_room_starts_with_nothing_unread(gateway: Gateway) -> None:
    await gateway.join("ann")
    await gateway.post("ann")
    applied = await gateway.join("bob")
    assert applied.entry is not None
    assert (applied.entry.subject, applied.entry.content, applied.entry.posts) == ("bob", '{"role":"member"}', 1)
    assert [row.log for row in applied.others] == ["user:bob"]
    room = await gateway.rooms.find(LOBBY, UserId("bob"))
    assert room is not None
    assert (room.head, room.posts, room.marker, room.unread) == (3, 1, 3, 0)


async def test_joining_twice_changes_nothing(gateway: Gateway) -> None:
    await gateway.join("ann")
    again = await gateway.join("ann")
    assert again == Applied(entry=None)
    assert gateway.offsets("room:lobby") == [1]


async def test_a_private_room_cannot_be_joined(gateway: Gateway) -> None:
    den = await gateway.create("ann", kind="private")
    with pytest.raises(NotFound, match="room_not_found"):
        await gateway.join("bob", den)
    assert (await gateway.join("ann", den)).entry is None


async def test_who_comes_back_is_a_plain_member_again(gateway: Gateway) -> None:
    den = await gateway.create("ann")
    await gateway.log.append(leave("ann", den))
    await gateway.join("ann", den)
    room = await gateway.rooms.find(den, UserId("ann"))
    assert room is not None
    assert (room.role, room.marker, room.unread) == ("member", 3, 0)


async def test_nobody_is_in_more_rooms_than_one_connect_carries(gateway: Gateway) -> None:
    values = ", ".join(f"('r{n}', 'ann', 'member', 'joined')" for n in range(999))
    await execute(gateway.url, f"INSERT INTO member (room_id, user_id, role, status) VALUES {values}")
    await gateway.join("ann")
    for one in (create("ann"), join("ann", await gateway.create("bob"))):
        with pytest.raises(Conflict, match="too_many_rooms"):
            await gateway.log.append(one)
    await gateway.log.append(leave("ann"))
    await gateway.log.append(create("ann"))


async def test_a_change_says_in_how_many_rooms_its_people_may_be(gateway: Gateway) -> None:
    await execute(gateway.url, "INSERT INTO person (id, name) VALUES ('ann', ''), ('bob', '')")
    den = await gateway.create("bob")
    await gateway.join("ann")

    def arrivals(most_rooms: int) -> list[Change]:
        directly = direct("ann", "bob")
        return [
            msgspec.structs.replace(create("ann"), most_rooms=most_rooms),
            change(Join, "ann", den, most_rooms=most_rooms),
            msgspec.structs.replace(directly, most_rooms=most_rooms),
        ]

    for one in arrivals(1):
        with pytest.raises(Conflict, match="too_many_rooms") as refused:
            await gateway.log.append(one)
        assert refused.value.message == "Nobody may be in more rooms than 1. Leave one first."
    assert [(await gateway.log.append(one)).repeated for one in arrivals(9)] == [False] * 3


async def test_leaving_is_told_in_the_room_and_in_the_own_log_and_repeats(gateway: Gateway) -> None:
    await gateway.join("ann")
    left = await gateway.log.append(leave("ann", cid="c"))
    assert left.entry is not None
    assert (left.entry.kind, left.entry.subject, left.entry.content) == (Kind.MEMBER_LEFT, "ann", "{}")
    assert [(row.log, row.kind) for row in left.others] == [("user:ann", Kind.ROOM_LEFT)]
    again = await gateway.log.append(leave("ann", cid="c"))
    assert (again.entry, again.others, again.repeated) == (left.entry, left.others, True)
    with pytest.raises(NotFound, match="room_not_found"):
        await gateway.log.append(leave("ann"))


@pytest.mark.parametrize(
    ("caller", "subject", "code"),
    [
        ("owner", "owner2", "ok"),
        ("owner", "admin", "ok"),
        ("owner", "member", "ok"),
        ("admin", "owner", "not_allowed"),
        ("admin", "admin2", "not_allowed"),
        ("admin", "member", "ok"),
        ("member", "member2", "not_allowed"),
        ("member", "owner", "not_allowed"),
        ("owner", "stranger", "member_not_found"),
        ("stranger", "member", "room_not_found"),
    ],
)
async def test_who_may_remove_whom(gateway: Gateway, caller: str, subject: str, code: str) -> None:
    for user in ("owner", "owner2", "admin", "admin2", "member", "member2"):
        await gateway.join(user)
        await execute(gateway.url, f"UPDATE member SET role = '{user.rstrip('2')}' WHERE user_id = '{user}'")
    results = await asyncio.gather(gateway.log.append(remove(caller, subject)), return_exceptions=True)
    assert codes(results) == [code]
    if isinstance(results[0], Forbidden | NotFound):
        assert await rows(gateway.url, "SELECT count(*) FROM log WHERE id = 'user:stranger'") == [(0,)]


async def test_a_removal_is_told_in_the_room_and_to_the_subject(gateway: Gateway) -> None:
    den = await gateway.create("ann")
    await gateway.join("bob", den)
    removal = remove("ann", "bob", den, cid="c")
    applied = await gateway.log.append(removal)
    assert applied.entry is not None
    assert (applied.entry.kind, applied.entry.author, applied.entry.subject) == (Kind.MEMBER_REMOVED, "ann", "bob")
    (notice,) = applied.others
    assert (notice.log, notice.kind, notice.author, notice.client_id) == (
        user_log(UserId("bob")),
        Kind.ROOM_REMOVED,
        "ann",
        ClientId("c"),
    )
    assert await gateway.rooms.of_member(UserId("bob")) == []
    again = await gateway.log.append(remove("ann", "bob", den, cid="c"))
    assert (again.entry, again.others) == (applied.entry, applied.others)
    with pytest.raises(NotFound, match="member_not_found"):
        await gateway.log.append(remove("ann", "bob", den))


async def test_an_own_post_moves_the_own_marker_only(gateway: Gateway) -> None:
    await gateway.join("ann")
    await gateway.join("bob")
    await gateway.post("ann")
    await gateway.post("ann")
    ann, bob = [await gateway.rooms.find(LOBBY, UserId(user)) for user in ("ann", "bob")]
    assert ann
    assert bob
    assert (ann.marker, ann.unread, bob.marker, bob.unread) == (4, 0, 2, 2)


async def test_a_marker_moves_forward_only_and_not_past_the_head(gateway: Gateway) -> None:
    await gateway.join("ann")
    await gateway.join("bob")
    for _ in range(3):
        await gateway.post("ann")
    moved = await gateway.log.append(set_marker("bob", 3, cid="c"))
    assert moved.entry is not None
    assert (moved.offset, moved.entry.log, moved.entry.kind) == (3, "user:bob", Kind.MARKER_MOVED)
    assert moved.entry.content == '{"room":"lobby","offset":3,"posts":1}'
    back = await gateway.log.append(set_marker("bob", 2))
    assert back == Applied(entry=None, offset=3)
    far = await gateway.log.append(set_marker("bob", 1 << 70))
    assert far.offset == 5
    again = await gateway.log.append(set_marker("bob", 3, cid="c"))
    assert (again.entry, again.offset, again.repeated) == (moved.entry, 5, True)
    room = await gateway.rooms.find(LOBBY, UserId("bob"))
    assert room is not None
    assert (room.marker, room.unread) == (5, 0)
    with pytest.raises(NotFound):
        await gateway.log.append(set_marker("cid", 1))


async def test_a_change_the_database_cannot_hold_cannot_be_looked_up_either(faulty: Gateway) -> None:
    lossy(faulty).calls_to_lose = 1
    results = await asyncio.gather(faulty.log.append(join("ann", "bad \ud800")), return_exceptions=True)
    assert codes(results) == ["invalid_request"]
    assert (await faulty.join("ann")).offset == 1


async def test_an_invitation_whose_answer_was_lost_is_refused_for_it_left_no_entry(faulty: Gateway) -> None:
    den = await faulty.create("ann")
    lossy(faulty).answers_to_lose = 1
    invite = change(Invite, "ann", den, token_hash="h", expires_in_ms=9_000, uses=1)
    with pytest.raises(Unavailable):
        await faulty.log.append(invite)
    assert (await faulty.log.append(join("bob", den))).offset == 2


async def test_a_lost_direct_room_is_looked_up_with_the_rows_of_all_its_people(faulty: Gateway) -> None:
    await execute(faulty.url, "INSERT INTO person (id, name) VALUES ('ann', ''), ('bob', '')")
    lossy(faulty).answers_to_lose = 1
    opened = await faulty.log.append(direct("bob", "ann"))
    assert opened.entry is not None
    assert [row.log for row in (opened.entry, *opened.others)] == [opened.entry.log, "user:ann", "user:bob"]
    assert {log for log, _, _ in faulty.published} == {opened.entry.log, "user:ann", "user:bob"}


async def test_a_change_makes_no_log_in_which_it_writes_nothing(gateway: Gateway) -> None:
    den = await gateway.create("ann")
    await execute(gateway.url, "INSERT INTO person (id, name) VALUES ('bob', 'Bob')")
    banned = await gateway.log.append(change(Ban, "ann", den, subject=UserId("bob")))
    assert (banned.offset, banned.others) == (2, ())
    assert await rows(gateway.url, "SELECT id FROM log WHERE id = 'user:bob'") == []
