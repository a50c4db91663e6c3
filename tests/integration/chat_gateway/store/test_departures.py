from chat_gateway.core.ids import RoomId, UserId
from chat_gateway.store.departures import Conversation, Departures, Leaving
from tests.integration.chat_gateway.store.gateway import LOBBY, Gateway, direct, execute, leave

ANN, BOB, CID, DAN = UserId("ann"), UserId("bob"), UserId("cid"), UserId("dan")
FIRST = UserId(""), RoomId("")


async def known(gateway: Gateway, *users: UserId) -> None:
    for user in users:
        await execute(gateway.url, f"INSERT INTO person (id, name) VALUES ('{user}', '{user}')")


async def delete(gateway: Gateway, *users: UserId) -> None:
    for user in users:
        await execute(gateway.url, f"UPDATE person SET disabled = true, name = '' WHERE id = '{user}'")


async def test_deleted_accounts_come_in_pages_and_disabled_ones_are_none(gateway: Gateway) -> None:
    await known(gateway, ANN, BOB, CID, DAN)
    await delete(gateway, DAN, ANN, BOB)
    await execute(gateway.url, "UPDATE person SET disabled = true WHERE id = 'cid'")
    store = Departures(gateway.database)
    assert await store.deleted(after=UserId(""), limit=2) == [ANN, BOB]
    assert await store.deleted(after=BOB, limit=2) == [DAN]
    assert await store.deleted(after=DAN, limit=2) == []


async def test_the_rooms_an_account_must_leave_are_those_it_is_in_but_direct_ones(gateway: Gateway) -> None:
    await known(gateway, ANN, BOB)
    den = await gateway.create("ann")
    for user in (ANN, BOB):
        await gateway.join(user)
    await gateway.join("bob", den)
    hut = await gateway.create("ann", "hut")
    await gateway.log.append(leave("ann", hut))
    await gateway.log.append(direct("ann", "bob"))
    store = Departures(gateway.database)
    mine = sorted([Leaving(ANN, den, is_owner=True), Leaving(ANN, LOBBY, is_owner=False)])
    theirs = sorted([Leaving(BOB, den, is_owner=False), Leaving(BOB, LOBBY, is_owner=False)])
    assert await store.leaving([ANN], after=FIRST, limit=9) == mine
    assert await store.leaving([BOB, ANN, CID], after=FIRST, limit=9) == mine + theirs
    assert await store.leaving([BOB, ANN], after=FIRST, limit=1) == mine[:1]
    assert await store.leaving([BOB, ANN], after=mine[0][:2], limit=2) == [mine[1], theirs[0]]
    assert await store.leaving([], after=FIRST, limit=9) == []


async def test_only_a_direct_room_of_two_can_be_left_with_nobody_to_read(gateway: Gateway) -> None:
    await known(gateway, ANN, BOB, CID, DAN)
    den = await gateway.create("ann")
    await gateway.join("dan", den)
    for others in (("bob",), ("cid",), ("bob", "cid")):
        await gateway.log.append(direct("ann", *others))
    store = Departures(gateway.database)
    assert set(await store.conversations([ANN], limit=9)) == {Conversation(ANN, BOB), Conversation(ANN, CID)}
    assert len(await store.conversations([ANN], limit=1)) == 1
    await gateway.people.block(ANN, BOB)
    await gateway.people.block(CID, ANN)
    assert await store.conversations([ANN], limit=9) == [Conversation(ANN, CID)]
    assert await store.conversations([DAN], limit=9) == []
