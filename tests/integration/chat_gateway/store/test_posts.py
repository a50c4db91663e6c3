"""Who may post where, on both databases: rooms that are closed to some, mentions, scrubbed repeats."""

import asyncio

import pytest

from chat_gateway.core.changes import Applied, Archive, Delete, Leave, Update
from chat_gateway.core.ids import EntryId, RoomId, UserId
from tests.integration.chat_gateway.store.gateway import (
    LOBBY,
    Gateway,
    begun,
    change,
    codes,
    direct,
    execute,
    has_no_gap,
    held_lock,
    post,
    rows,
)
from tests.integration.chat_gateway.store.saying import refused, said, say


@pytest.fixture
async def lobby(gateway: Gateway) -> Gateway:
    """Ann and Bob are in the lobby: offsets 1 and 2."""
    await gateway.join("ann")
    await gateway.join("bob")
    return gateway


async def test_a_repeat_of_a_scrubbed_post_answers_what_is_stored_without_comparing(lobby: Gateway) -> None:
    root = await said(lobby, "ann")
    for fields in ({}, {"thread": root}):
        first = await lobby.log.append(say("bob", body="secret", cid=f"c{len(fields)}", **fields))
        assert first.entry is not None
        await lobby.log.append(change(Delete, "bob", message=first.entry.id))
        lobby.published.clear()
        for body in ("secret", "other"):
            again = await lobby.log.append(say("bob", body=body, cid=f"c{len(fields)}"))
            assert again.entry is not None
            assert (again.entry.id, again.offset, again.repeated) == (first.entry.id, first.offset, True)
            assert (again.entry.content, again.entry.thread) == ('{"deleted":true}', first.entry.thread)
            assert again.entry.thread_posts == first.entry.thread_posts
        assert "secret" not in str(lobby.published)


async def test_mentions_are_rows_of_the_posts_that_were_written(lobby: Gateway) -> None:
    asked = [
        say("ann", cid="c", mentions=(UserId("bob"), UserId("*"))),
        say("ann", cid="c", mentions=(UserId("bob"), UserId("*"))),
        say("stranger", mentions=(UserId("ann"),)),
        say("bob"),
        say("bob", mentions=(UserId("ann"), UserId("bob"))),
    ]
    await asyncio.gather(*(lobby.log.append(one) for one in asked), return_exceptions=True)
    await lobby.log.append(asked[0])
    assert await rows(lobby.url, 'SELECT "offset", user_id, author, room_id FROM mention ORDER BY 1, 2') == [
        (3, "*", "ann", LOBBY),
        (3, "bob", "ann", LOBBY),
        (5, "ann", "bob", LOBBY),
        (5, "bob", "bob", LOBBY),
    ]


async def test_in_a_read_only_room_only_its_owner_and_admins_post(gateway: Gateway) -> None:
    den = await gateway.create("ann")
    root = await said(gateway, "ann", room=den)
    for user in ("bob", "cid"):
        await gateway.join(user, den)
    await execute(gateway.url, "UPDATE member SET role = 'admin' WHERE user_id = 'cid'")
    await gateway.log.append(say("bob", den, cid="c"))
    await gateway.log.append(change(Update, "ann", den, read_only=True))
    for fields in ({}, {"thread": root}, {"thread": EntryId("missing")}):
        assert await refused(gateway, say("bob", den, **fields)) == "read_only"
    assert (await gateway.log.append(say("bob", den, cid="c"))).repeated
    for user in ("ann", "cid"):
        await said(gateway, user, room=den)
        await said(gateway, user, room=den, thread=root)
    assert await refused(gateway, say("stranger", den)) == "room_not_found"
    assert await has_no_gap(gateway.url)


async def test_in_an_archived_room_nobody_posts(gateway: Gateway) -> None:
    den = await gateway.create("ann")
    await gateway.log.append(say("ann", den, cid="c"))
    await gateway.log.append(change(Archive, "ann", den, archived=True))
    assert await refused(gateway, say("ann", den)) == "room_archived"
    assert (await gateway.log.append(say("ann", den, cid="c"))).repeated
    await gateway.log.append(change(Archive, "ann", den, archived=False))
    await said(gateway, "ann", room=den)


async def _direct(gateway: Gateway, *people: str) -> RoomId:
    for user in people:
        await execute(gateway.url, f"INSERT INTO person (id, name) VALUES ('{user}', '{user}') ON CONFLICT DO NOTHING")
    opened = direct(*people)
    await gateway.log.append(opened)
    return opened.room


async def test_who_is_blocked_does_not_reach_the_other_of_a_room_of_two(gateway: Gateway) -> None:
    two, three = await _direct(gateway, "ann", "bob"), await _direct(gateway, "ann", "bob", "cid")
    root = await said(gateway, "ann", room=two)
    await said(gateway, "bob", room=two)
    await execute(gateway.url, "INSERT INTO block (user_id, blocked_id) VALUES ('ann', 'bob')")
    for fields in ({}, {"thread": root}):
        assert await refused(gateway, say("bob", two, **fields)) == "not_reachable"
    await said(gateway, "ann", room=two)
    await said(gateway, "bob", room=three)
    assert await has_no_gap(gateway.url)


async def test_one_batch_of_many_rooms_is_judged_room_by_room(lobby: Gateway) -> None:
    closed, silent, two = await lobby.create("ann"), await lobby.create("ann"), await _direct(lobby, "ann", "bob")
    await lobby.join("bob", closed)
    await lobby.join("bob", silent)
    await lobby.log.append(change(Archive, "ann", closed, archived=True))
    await lobby.log.append(change(Update, "ann", silent, read_only=True))
    await execute(lobby.url, "INSERT INTO block (user_id, blocked_id) VALUES ('ann', 'bob')")
    async with held_lock(lobby.url):
        first = lobby.log.append(say("ann"))
        await begun(lobby)
        answers = [lobby.log.append(say("bob", room)) for room in (LOBBY, closed, silent, two, "nowhere", LOBBY)]
    await first
    results = await asyncio.gather(*answers, return_exceptions=True)
    assert codes(results) == ["ok", "room_archived", "read_only", "not_reachable", "room_not_found", "ok"]
    assert await has_no_gap(lobby.url)


async def test_a_room_archived_while_the_post_waited_takes_it_no_more(lobby: Gateway) -> None:
    async with held_lock(lobby.url) as holder:
        await holder.execute("UPDATE room SET archived = true")
        answer = lobby.log.append(post("bob"))
        await begun(lobby)
    assert codes(await asyncio.gather(answer, return_exceptions=True)) == ["room_archived"]


async def test_what_is_answered_is_a_message_of_the_room_deleted_or_not(lobby: Gateway) -> None:
    den = await lobby.create("ann", kind="private")
    there, elsewhere = await said(lobby, "ann"), await said(lobby, "ann", room=den)
    joined = (await rows(lobby.url, "SELECT id FROM entry WHERE kind = 10 AND log_id = 'room:lobby' LIMIT 1"))[0][0]
    root = await said(lobby, "ann")
    in_thread = await said(lobby, "ann", thread=root, reply_to=there)
    for missing in (elsewhere, joined, EntryId("missing")):
        for fields in ({}, {"thread": root}):
            assert await refused(lobby, say("bob", reply_to=missing, **fields)) == "message_not_found"
    await lobby.log.append(change(Delete, "ann", message=there))
    for answered in (there, root, in_thread):
        await said(lobby, "bob", reply_to=answered)
        await said(lobby, "bob", reply_to=answered, thread=root)
    assert await refused(lobby, say("bob", reply_to=there, thread=EntryId("missing"))) == "message_not_found"
    assert await refused(lobby, say("bob", reply_to=there, thread=in_thread)) == "not_a_thread_root"
    assert await has_no_gap(lobby.url)


async def test_a_stranger_learns_nothing_of_what_could_be_answered(lobby: Gateway) -> None:
    den = await lobby.create("ann", kind="private")
    secret = await said(lobby, "ann", room=den)
    for answered in (secret, EntryId("missing")):
        assert await refused(lobby, say("bob", den, reply_to=answered)) == "room_not_found"


async def test_one_batch_of_answers_is_judged_one_by_one_and_a_repeat_is_not_judged_again(lobby: Gateway) -> None:
    there = await said(lobby, "ann")
    await said(lobby, "bob", cid="c")
    async with held_lock(lobby.url):
        first = lobby.log.append(say("ann"))
        await begun(lobby)
        wanted = [there, None, EntryId("missing")] * 4
        answers = [lobby.log.append(say("bob", reply_to=one)) for one in wanted]
        again = lobby.log.append(say("bob", cid="c", reply_to=EntryId("missing")))
    await first
    results = await asyncio.gather(*answers, return_exceptions=True)
    assert codes(results) == ["ok", "ok", "message_not_found"] * 4
    assert [result.offset for result in results if isinstance(result, Applied)] == list(range(6, 14))
    assert (await again).repeated
    assert await has_no_gap(lobby.url)


async def test_a_client_id_that_stands_for_another_change_is_a_conflict(lobby: Gateway) -> None:
    await lobby.log.append(change(Leave, "bob", cid="c"))
    await lobby.join("bob")
    assert await refused(lobby, say("bob", cid="c")) == "client_id_conflict"
