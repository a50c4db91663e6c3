import pytest

from chat_gateway.core.ids import RoomId, UserId
from chat_gateway.core.live import ReadBy
from chat_gateway.store.memberships import Memberships
from tests.integration.chat_gateway.store.gateway import LOBBY, Gateway, execute, remove

ANN, BOB, CID, DAN = UserId("ann"), UserId("bob"), UserId("cid"), UserId("dan")


async def test_members_are_those_who_joined_and_did_not_go(gateway: Gateway) -> None:
    room = await gateway.create("ann", "Zoo")
    memberships = Memberships(gateway.database)
    await gateway.join("bob", room)
    await gateway.join("cid", room)
    await gateway.log.append(remove("ann", "cid", room))
    membership = await memberships.of(room)
    assert membership is not None
    assert membership.users == {ANN, BOB}
    assert membership.head == 4
    assert await memberships.has(room, BOB)
    assert not await memberships.has(room, CID)
    assert not await memberships.has(RoomId("nowhere"), BOB)


@pytest.mark.parametrize(
    ("kind", "others", "expected"), [("direct", 1, False), ("direct", 2, True), ("private", 1, True)]
)
async def test_who_is_blocked_does_not_reach_the_other_of_a_direct_room_of_two(
    gateway: Gateway, kind: str, others: int, *, expected: bool
) -> None:
    room = await gateway.create("ann")
    for name in ("bob", "cid")[:others]:
        await gateway.join(name, room)
    await execute(gateway.url, f"UPDATE room SET kind = '{kind}' WHERE id = '{room}'")
    memberships = Memberships(gateway.database)
    assert await memberships.reaches(room, BOB)
    await execute(gateway.url, "INSERT INTO block (user_id, blocked_id) VALUES ('ann', 'bob')")
    assert await memberships.reaches(room, BOB) is expected
    assert await memberships.reaches(room, ANN)


async def test_a_room_without_members_is_there_and_a_missing_one_is_not(gateway: Gateway) -> None:
    memberships = Memberships(gateway.database)
    empty = await memberships.of(LOBBY)
    assert empty is not None
    assert empty.users == frozenset()
    assert await memberships.of(RoomId("nowhere")) is None


async def test_markers_are_shown_in_small_rooms_to_their_members(gateway: Gateway) -> None:
    memberships = Memberships(gateway.database)
    for name in ("ann", "bob"):
        await gateway.join(name)
    await gateway.post("ann")
    read = await memberships.receipts(LOBBY, BOB, offset=None, most=2)
    assert read == ReadBy(markers={ANN: 3, BOB: 2})
    assert await memberships.receipts(LOBBY, BOB, offset=1, most=2) == read
    assert await memberships.receipts(LOBBY, DAN, offset=None, most=2) is None
    assert await memberships.receipts(RoomId("nowhere"), BOB, offset=None, most=2) is None


async def test_in_larger_rooms_those_who_came_so_far_are_counted(gateway: Gateway) -> None:
    memberships = Memberships(gateway.database)
    for name in ("ann", "bob", "cid"):
        await gateway.join(name)
    await execute(gateway.url, "UPDATE member SET marker = 7 WHERE user_id IN ('ann', 'cid')")
    await execute(gateway.url, "UPDATE member SET marker = 6 WHERE user_id = 'bob'")
    await execute(gateway.url, "INSERT INTO member VALUES ('lobby', 'dan', 'member', 'left', 9, 9, 9)")
    for offset, count in ((7, 2), (6, 3), (8, 0), (1 << 80, 0), (-(1 << 80), 3)):
        assert await memberships.receipts(LOBBY, ANN, offset=offset, most=2) == ReadBy(count=count)
    assert await memberships.receipts(LOBBY, ANN, offset=None, most=2) == ReadBy()
    assert await memberships.receipts(LOBBY, DAN, offset=7, most=2) is None
