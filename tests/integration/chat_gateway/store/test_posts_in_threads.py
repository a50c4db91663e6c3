"""Posts in threads, on both databases: what they count, whom they make follow, where they may be."""

import asyncio

import pytest

from chat_gateway.core.changes import Applied, Delete
from chat_gateway.core.ids import EntryId, UserId
from tests.integration.chat_gateway.store.gateway import (
    Gateway,
    begun,
    change,
    codes,
    execute,
    has_no_gap,
    held_lock,
    rows,
    set_marker,
)
from tests.integration.chat_gateway.store.saying import members, refused, said, say


@pytest.fixture
async def lobby(gateway: Gateway) -> Gateway:
    """Ann and Bob are in the lobby: offsets 1 and 2."""
    await gateway.join("ann")
    await gateway.join("bob")
    return gateway


async def test_a_reply_in_a_thread_counts_there_and_not_in_the_room(lobby: Gateway) -> None:
    root = await said(lobby, "ann")
    answers = [await lobby.log.append(say("bob", thread=root)) for _ in range(2)]
    plain = await lobby.post("ann")
    entries = [answer.entry for answer in (*answers, plain)]
    assert [(e.offset, e.posts, e.thread, e.thread_posts) for e in entries if e] == [
        (4, 1, root, 1),
        (5, 1, root, 2),
        (6, 2, None, None),
    ]
    last = entries[1]
    assert last is not None
    assert await rows(lobby.url, 'SELECT "offset", thread_posts, thread_at, deleted FROM message') == [
        (3, 2, last.at, False)
    ]
    assert await rows(lobby.url, "SELECT head, posts FROM log WHERE id = 'room:lobby'") == [(6, 2)]
    assert await has_no_gap(lobby.url)


async def test_who_replies_and_who_is_answered_follow_and_only_the_threads_marker_moves(lobby: Gateway) -> None:
    root = await said(lobby, "ann")
    await said(lobby, "bob", thread=root)
    assert await members(lobby.url) == [("ann", 3, True, 0, 0), ("bob", 3, True, 4, 1)]
    assert await rows(lobby.url, "SELECT marker, marker_posts FROM member ORDER BY user_id") == [(3, 1), (2, 0)]
    await said(lobby, "ann", thread=root)
    assert await members(lobby.url) == [("ann", 3, True, 5, 2), ("bob", 3, True, 4, 1)]


async def test_who_stopped_following_is_not_made_to_by_anothers_reply(lobby: Gateway) -> None:
    root = await said(lobby, "ann")
    await said(lobby, "bob", thread=root)
    await execute(lobby.url, "UPDATE thread_member SET follows = false")
    await said(lobby, "bob", thread=root)
    assert await members(lobby.url) == [("ann", 3, False, 0, 0), ("bob", 3, True, 5, 2)]


async def test_replies_of_one_batch_to_several_threads_count_on(lobby: Gateway) -> None:
    roots = [await said(lobby, "ann"), await said(lobby, "bob")]
    async with held_lock(lobby.url):
        first = lobby.log.append(say("ann"))
        await begun(lobby)
        asked = [
            say("bob" if n % 3 else "ann", thread=(roots[0], None, roots[1], EntryId("missing"))[n % 4])
            for n in range(24)
        ]
        answers = [lobby.log.append(one) for one in asked]
    await first
    results = await asyncio.gather(*answers, return_exceptions=True)
    assert codes(results) == ["ok", "ok", "ok", "message_not_found"] * 6
    done = [result.entry for result in results if isinstance(result, Applied) and result.entry]
    assert [entry.offset for entry in done] == list(range(6, 24))
    for root in roots:
        assert [entry.thread_posts for entry in done if entry.thread == root] == [1, 2, 3, 4, 5, 6]
    assert await rows(lobby.url, 'SELECT "offset", thread_posts FROM message ORDER BY "offset"') == [(3, 6), (4, 6)]
    assert await has_no_gap(lobby.url)
    assert {(user, root): follows for user, root, follows, *_ in await members(lobby.url)} == {
        ("ann", 3): True,
        ("bob", 3): True,
        ("ann", 4): True,
        ("bob", 4): True,
    }


async def test_a_thread_begins_with_a_message_of_the_room_that_is_in_none(lobby: Gateway) -> None:
    den = await lobby.create("ann")
    root = await said(lobby, "ann")
    reply = await said(lobby, "bob", thread=root)
    elsewhere = await said(lobby, "ann", room=den)
    joined = (await rows(lobby.url, "SELECT id FROM entry WHERE kind = 10 LIMIT 1"))[0][0]
    assert await refused(lobby, say("bob", thread=reply)) == "not_a_thread_root"
    for thread in (elsewhere, joined, EntryId("missing")):
        assert await refused(lobby, say("bob", thread=thread)) == "message_not_found"
    await lobby.log.append(change(Delete, "ann", message=root))
    assert await refused(lobby, say("bob", thread=root)) == "message_not_found"


async def test_a_stranger_learns_nothing_of_a_thread(lobby: Gateway) -> None:
    den = await lobby.create("ann", kind="private")
    root = await said(lobby, "ann", room=den)
    for thread in (root, EntryId("missing")):
        assert await refused(lobby, say("bob", den, thread=thread)) == "room_not_found"


async def test_a_repeat_in_a_thread_answers_the_first_result_and_counts_nothing(lobby: Gateway) -> None:
    root = await said(lobby, "ann")
    first = await lobby.log.append(say("bob", thread=root, cid="c"))
    again = await lobby.log.append(say("bob", thread=root, cid="c"))
    assert again == Applied(entry=first.entry, offset=first.offset, repeated=True)
    assert await refused(lobby, say("bob", cid="c")) == "client_id_conflict"
    assert await rows(lobby.url, "SELECT thread_posts FROM message") == [(1,)]


async def test_the_same_reply_twice_in_one_batch_is_one_row(lobby: Gateway) -> None:
    root = await said(lobby, "ann")
    asked = [
        say("bob", thread=EntryId("missing"), cid="c"),
        say("bob", thread=root, cid="c"),
        say("bob", thread=root, cid="c"),
        say("bob", cid="c"),
    ]
    results = await asyncio.gather(*(lobby.log.append(one) for one in asked), return_exceptions=True)
    assert codes(results) == ["message_not_found", "ok", "ok", "client_id_conflict"]
    assert [result.repeated for result in results if isinstance(result, Applied)] == [False, True]
    assert await has_no_gap(lobby.url)


async def test_a_reply_that_fails_leaves_nothing_behind(lobby: Gateway) -> None:
    asked = say("ann", thread=EntryId("missing"), mentions=(UserId("bob"),))
    assert await refused(lobby, asked) == "message_not_found"
    assert await rows(lobby.url, "SELECT 1 FROM mention UNION ALL SELECT 1 FROM message") == []
    assert await members(lobby.url) == []


async def test_a_thread_whose_root_was_deleted_while_the_reply_waited_takes_it_no_more(lobby: Gateway) -> None:
    root = await said(lobby, "ann")
    async with held_lock(lobby.url) as holder:
        await holder.execute("INSERT INTO message (room_id, \"offset\", deleted) VALUES ('lobby', 3, true)")
        answers = [lobby.log.append(say("bob", thread=root)), lobby.log.append(say("bob"))]
        await begun(lobby)
    assert codes(await asyncio.gather(*answers, return_exceptions=True)) == ["message_not_found", "ok"]
    assert await has_no_gap(lobby.url)


async def test_replies_from_two_gateways_count_without_gaps(lobby: Gateway, other: Gateway) -> None:
    root = await said(lobby, "ann")
    answers = []
    for n in range(60):
        answers.append((lobby, other)[n % 2].log.append(say("ann" if n % 3 else "bob", thread=root if n % 4 else None)))
        await asyncio.sleep(0)
    results = await asyncio.gather(*answers)
    replies = sorted((e.offset, e.thread_posts) for r in results if (e := r.entry) and e.thread)
    assert [posts for _, posts in replies] == list(range(1, 46))
    assert await has_no_gap(lobby.url)


async def test_a_room_marker_at_a_reply_has_the_rooms_count(lobby: Gateway) -> None:
    root = await said(lobby, "ann")
    await said(lobby, "ann", thread=root)
    assert (await lobby.log.append(set_marker("bob", 99))).offset == 4
    assert await rows(lobby.url, "SELECT marker, marker_posts FROM member WHERE user_id = 'bob'") == [(4, 1)]
