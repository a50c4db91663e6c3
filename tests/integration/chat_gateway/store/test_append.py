"""Posts on both databases: nothing is lost, doubled or out of order, and nobody posts where they may not."""

import asyncio

import pytest

from chat_gateway.core.changes import Applied
from chat_gateway.core.entries import Kind
from shared.errors import Conflict, InvalidInput, NotFound
from tests.integration.chat_gateway.store.gateway import (
    LOBBY,
    Gateway,
    begun,
    client_id,
    codes,
    create,
    execute,
    has_no_gap,
    held_lock,
    join,
    leave,
    post,
    remove,
    rows,
)


async def test_a_post_of_a_member_is_stored_and_published_before_it_is_answered(gateway: Gateway) -> None:
    await gateway.join("ann")
    answer = gateway.log.append(post("ann", "hi"))
    gateway.published.clear()
    applied = await answer
    ((log, epoch, (entry,)),) = gateway.published
    assert applied == Applied(entry=entry, offset=2)
    assert (log, entry.kind, entry.author, entry.posts) == ("room:lobby", Kind.MESSAGE_POSTED, "ann", 1)
    assert await rows(gateway.url, "SELECT epoch FROM epoch") == [(epoch,)]
    stored = await rows(gateway.url, 'SELECT "offset", content, at FROM entry WHERE kind = 1')
    assert stored == [(2, '{"body":"hi"}', entry.at)]


async def test_the_time_of_an_entry_is_the_databases(gateway: Gateway) -> None:
    before = await rows(gateway.url, "SELECT created_at FROM room")
    applied = await gateway.join("ann")
    assert applied.entry is not None
    assert before[0][0] <= applied.entry.at < before[0][0] + 600_000


async def test_a_stranger_cannot_post_and_learns_nothing(gateway: Gateway) -> None:
    den = await gateway.create("ann", kind="private")
    with pytest.raises(NotFound) as of_private:
        await gateway.post("bob", room=den)
    with pytest.raises(NotFound) as of_nothing:
        await gateway.post("bob", room="nowhere")
    assert str(of_private.value) == str(of_nothing.value)
    assert of_private.value.code == "room_not_found"


async def test_posts_of_one_call_order_get_offsets_in_that_order_without_gaps(gateway: Gateway) -> None:
    await gateway.join("ann")
    answers = [gateway.log.append(post("ann" if n % 3 else "stranger", str(n))) for n in range(500)]
    results = await asyncio.gather(*answers, return_exceptions=True)
    offsets = [result.offset for result in results if isinstance(result, Applied)]
    assert offsets == list(range(2, 2 + len(offsets)))
    assert codes(results).count("room_not_found") == 167
    assert gateway.offsets("room:lobby") == [1, *offsets]
    assert await has_no_gap(gateway.url)


async def test_changes_keep_their_place_among_posts(gateway: Gateway) -> None:
    answers = [
        gateway.log.append(change)
        for change in (post("ann"), join("ann"), post("ann"), leave("ann"), post("ann"), join("ann"), post("ann"))
    ]
    results = await asyncio.gather(*answers, return_exceptions=True)
    assert codes(results) == ["room_not_found", "ok", "ok", "ok", "room_not_found", "ok", "ok"]


async def test_a_repeat_answers_the_first_result_and_publishes_the_row_again(gateway: Gateway) -> None:
    await gateway.join("ann")
    first = await gateway.post("ann", "hi", cid="c")
    gateway.published.clear()
    again = await gateway.post("ann", "hi", cid="c")
    assert again == Applied(entry=first.entry, offset=first.offset, repeated=True)
    assert [entries for _, _, entries in gateway.published] == [[first.entry]]


async def test_repeats_inside_one_batch_are_one_row(gateway: Gateway) -> None:
    await gateway.join("ann")
    answers = [gateway.log.append(post("ann", "hi", cid="c")) for _ in range(5)]
    answers.append(gateway.log.append(post("ann", "other", cid="c")))
    results = await asyncio.gather(*answers, return_exceptions=True)
    assert codes(results) == ["ok"] * 5 + ["client_id_conflict"]
    assert {result.offset for result in results if isinstance(result, Applied)} == {2}
    assert gateway.offsets("room:lobby") == [1, 2]


async def test_the_same_client_id_for_something_else_is_a_conflict(gateway: Gateway) -> None:
    await gateway.join("ann")
    await gateway.post("ann", "hi", cid="c")
    for change in (post("ann", "ho", cid="c"), leave("ann", cid="c"), remove("ann", "ann", cid="c")):
        with pytest.raises(Conflict, match="client_id_conflict"):
            await gateway.log.append(change)


async def test_a_client_id_is_the_authors_own_and_counts_per_room(gateway: Gateway) -> None:
    den = await gateway.create("ann")
    for user, room in (("ann", LOBBY), ("bob", LOBBY), ("bob", den)):
        await gateway.join(user, room)
    posts = [("ann", LOBBY), ("ann", den), ("bob", LOBBY), ("bob", den)]
    results = [await gateway.post(user, "hi", room, cid="c") for user, room in posts]
    assert not any(result.repeated for result in results)


async def test_one_client_id_in_two_rooms_cannot_break_the_authors_own_log(gateway: Gateway) -> None:
    den = await gateway.create("ann")
    await gateway.log.append(join("bob", LOBBY, cid="c"))
    with pytest.raises(Conflict):
        await gateway.log.append(join("bob", den, cid="c"))


async def test_a_repeat_by_one_who_was_removed_meanwhile_is_refused(gateway: Gateway) -> None:
    den = await gateway.create("ann", kind="public")
    await gateway.join("bob", den)
    await gateway.post("bob", "hi", den, cid="c")
    await gateway.log.append(remove("ann", "bob", den))
    with pytest.raises(NotFound, match="room_not_found"):
        await gateway.post("bob", "hi", den, cid="c")


async def test_a_racing_repeat_from_another_gateway_answers_the_first_result_and_fails_nobody(
    gateway: Gateway, other: Gateway
) -> None:
    await gateway.join("ann")
    ids = [client_id() for _ in range(150)]
    answers = []
    for n, cid in enumerate(ids):
        answers.append(gateway.log.append(post("ann", cid, cid=cid)))
        answers.append(other.log.append(post("ann", cid, cid=cid)))
        answers.append(other.log.append(post("ann", f"own {n}")))
        await asyncio.sleep(0)
    results = await asyncio.gather(*answers)
    assert [a.offset for a in results[::3]] == [b.offset for b in results[1::3]]
    assert all(a.repeated != b.repeated for a, b in zip(results[::3], results[1::3], strict=True))
    assert await has_no_gap(gateway.url)
    assert await rows(gateway.url, "SELECT head FROM log WHERE id = 'room:lobby'") == [(301,)]


async def test_a_post_that_waited_behind_a_committed_removal_is_refused(gateway: Gateway) -> None:
    await gateway.join("ann")
    await gateway.join("bob")
    async with held_lock(gateway.url) as holder:
        await holder.execute("UPDATE member SET status = 'removed' WHERE user_id = 'bob'")
        answers = [gateway.log.append(post("ann")), gateway.log.append(post("bob"))]
        await begun(gateway)
    results = await asyncio.gather(*answers, return_exceptions=True)
    assert codes(results) == ["ok", "room_not_found"]
    assert await has_no_gap(gateway.url)


async def test_a_post_queued_behind_another_gateways_removal_is_refused(gateway: Gateway, other: Gateway) -> None:
    await gateway.join("ann")
    await gateway.join("bob")
    await execute(gateway.url, "UPDATE member SET role = 'owner' WHERE user_id = 'ann'")
    async with held_lock(gateway.url):
        removal = gateway.log.append(remove("ann", "bob"))
        await begun(gateway)
        late = other.log.append(post("bob"))
        await begun(other)
    removed, refused = await asyncio.gather(removal, late, return_exceptions=True)
    assert isinstance(removed, Applied)
    assert codes([refused]) == ["room_not_found"]


async def test_a_message_repeated_while_the_first_waits_for_the_lock_is_one_row(
    gateway: Gateway, other: Gateway
) -> None:
    await gateway.join("ann")
    async with held_lock(gateway.url):
        answers = []
        for one in (gateway, other):
            answers += [one.log.append(post("ann", "hi", cid="c")), one.log.append(post("ann"))]
            await begun(one)
    results = await asyncio.gather(*answers)
    assert results[0].offset == results[2].offset
    assert await has_no_gap(gateway.url)


async def test_a_row_the_database_refuses_fails_alone(gateway: Gateway) -> None:
    await gateway.join("ann")
    nul = "\0" if gateway.database.is_postgres else "\ud800"
    answers = [gateway.log.append(post("ann", text)) for text in ("a", nul, "b", "\ud800", "c")]
    results = await asyncio.gather(*answers, return_exceptions=True)
    assert codes(results) == ["ok", "invalid_request", "ok", "invalid_request", "ok"]
    assert isinstance(results[1], InvalidInput)
    assert await has_no_gap(gateway.url)
    assert (await gateway.post("ann")).offset == 5


async def test_a_change_the_database_refuses_fails_alone(gateway: Gateway) -> None:
    await gateway.join("ann")
    for change in (create("ann", "bad \ud800"), join("ann", "bad \ud800")):
        with pytest.raises(InvalidInput):
            await gateway.log.append(change)
    assert (await gateway.post("ann")).offset == 2
