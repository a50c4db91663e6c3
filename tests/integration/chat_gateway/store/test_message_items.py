"""What became of messages is read for all of a page at once, on both databases, and only from the viewer's rooms."""

import json

import msgspec

from chat_gateway.core.changes import Delete, Edit, Pin, React
from chat_gateway.core.history import Item, Reaction, ThreadState
from chat_gateway.core.ids import EntryId, RoomId, UserId
from tests.integration.chat_gateway.store.gateway import LOBBY, Gateway, change, execute, leave, post, rows

ANN, BOB = UserId("ann"), UserId("bob")


async def say(gateway: Gateway, user: str, room: str = LOBBY, reply_to: str | None = None) -> EntryId:
    content = {"body": f"by {user}"} | ({"reply_to": reply_to} if reply_to else {})
    applied = await gateway.log.append(msgspec.structs.replace(post(user, room=room), content=json.dumps(content)))
    assert applied.entry is not None
    return applied.entry.id


async def page(gateway: Gateway, room: RoomId = LOBBY) -> list[Item]:
    found = await gateway.room_log.page(room, ANN, limit=200)
    assert found is not None
    return list(found.items)


async def test_each_message_of_a_page_gets_its_own(gateway: Gateway) -> None:
    den = await gateway.create("ann")
    for user, room in (("ann", LOBBY), ("bob", LOBBY), ("bob", den)):
        await gateway.join(user, room)
    edited, reacted, rooted, plain = [await say(gateway, "bob", den) for _ in range(4)]
    # The same offsets in another room, which must not be mixed up with these.
    others = [await say(gateway, "bob") for _ in range(4)]
    await gateway.log.append(change(Edit, "bob", message=others[3], body="lobby"))
    await gateway.log.append(change(Edit, "bob", den, message=edited, body="new"))
    await gateway.log.append(change(Pin, "ann", den, message=edited))
    for user, emoji in (("bob", "b"), ("ann", "a"), ("ann", "b")):
        await gateway.log.append(change(React, user, den, message=reacted, emoji=emoji))
    reply = await gateway.log.append(msgspec.structs.replace(post("ann", room=den), thread=rooted))
    assert reply.entry is not None
    answer = await say(gateway, "ann", den, reply_to=edited)
    states = {item.entry.id: item.state for item in await page(gateway, den) if item.state is not None}
    assert states.keys() == {edited, reacted, rooted}
    assert (states[edited].body, states[edited].reactions, states[edited].thread) == ("new", [], None)
    assert (states[edited].edited_at or 0) > 0
    assert (states[edited].pinned_at or 0) > 0
    assert states[reacted].reactions == [Reaction("b", [BOB, ANN], 2), Reaction("a", [ANN], 1)]
    assert states[rooted].thread == ThreadState(1, reply.entry.at)
    excerpts = {item.entry.id: item.reply for item in await page(gateway, den) if item.reply is not None}
    assert excerpts.keys() == {answer}
    assert (excerpts[answer].id, excerpts[answer].author, excerpts[answer].body) == (edited, "bob", "new")
    assert plain not in states


async def test_messages_are_read_by_their_places_in_the_rooms_one_is_in(gateway: Gateway) -> None:
    den, secret = await gateway.create("ann"), await gateway.create("bob", kind="private")
    await gateway.join("ann")
    await gateway.join("bob")
    for room in (den, LOBBY):
        await say(gateway, "ann", room)
    await say(gateway, "bob", secret)
    gone = await say(gateway, "ann")
    await gateway.log.append(change(Delete, "ann", message=gone))
    asked = [(room, offset) for room in (den, LOBBY, secret, RoomId("nowhere")) for offset in range(6)]
    found = await gateway.room_log.messages(ANN, asked)
    assert found.keys() == {(den, 2), (LOBBY, 3)}
    assert found[den, 2].entry.content == '{"body": "by ann"}'
    await gateway.log.append(leave("ann"))
    assert (await gateway.room_log.messages(ANN, asked)).keys() == {(den, 2)}
    assert await gateway.room_log.messages(ANN, []) == {}


async def test_a_page_without_messages_asks_for_nothing_more(gateway: Gateway) -> None:
    await gateway.join("ann")
    (joined,) = await page(gateway)
    assert (joined.state, joined.reply) == (None, None)


async def test_a_row_whose_state_is_gone_again_shows_none(gateway: Gateway) -> None:
    await gateway.join("ann")
    message = await say(gateway, "ann")
    await execute(gateway.url, "INSERT INTO message (room_id, \"offset\") VALUES ('lobby', 2)")
    assert await rows(gateway.url, "SELECT count(*) FROM message") == [(1,)]
    assert [item.state for item in await page(gateway) if item.entry.id == message] == [None]
