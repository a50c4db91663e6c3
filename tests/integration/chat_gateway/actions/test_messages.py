import asyncio
from collections.abc import Sequence

import pytest
import uuid_utils

from chat_gateway.actions import markers, memberships, messages, rooms
from chat_gateway.actions.targets import Changed
from chat_gateway.core.chat import Chat
from chat_gateway.core.entries import Entry
from chat_gateway.core.ids import LogId, UserId
from chat_gateway.core.rooms import DEFAULT_ROOM
from shared.errors import AppError, Conflict, Forbidden, InvalidInput, NotFound, TooLarge
from tests.integration.chat_gateway.actions.conftest import ADA, BOB
from tests.integration.chat_gateway.actions.den import CID, den

Relayed = list[tuple[LogId, Sequence[Entry]]]


@pytest.fixture(autouse=True)
async def ada_is_in_the_lobby(chat: Chat) -> None:
    await memberships.join(chat, ADA, memberships.JoinRoom(room=DEFAULT_ROOM))


def text(body: str, client_id: str | None = None, reply_to: str | None = None) -> messages.PostMessage:
    return messages.PostMessage(room=DEFAULT_ROOM, body=body, client_id=client_id, reply_to=reply_to)


async def test_a_post_is_answered_with_what_was_stored_and_relayed(chat: Chat, relayed: Relayed) -> None:
    posted = await messages.post(chat, ADA, text("Grüße, 東京 👋"))
    log, entries = relayed[-1]
    assert (log, entries[0].id, entries[0].offset, entries[0].at) == (
        "room:lobby",
        posted.id,
        posted.offset,
        posted.at,
    )
    assert entries[0].content == '{"body":"Grüße, 東京 👋"}'


async def test_a_repeat_answers_the_first_result_and_another_text_is_a_conflict(chat: Chat) -> None:
    same = str(uuid_utils.uuid7())
    first = await messages.post(chat, ADA, text("once", same))
    assert await messages.post(chat, ADA, text("once", same.upper())) == first
    with pytest.raises(Conflict, match="client_id_conflict"):
        await messages.post(chat, ADA, text("twice", same))


async def test_posts_begun_in_order_are_stored_in_that_order(chat: Chat) -> None:
    posted = await asyncio.gather(*(messages.post(chat, ADA, text(f"{n}")) for n in range(300)))
    assert [one.offset for one in posted] == list(range(posted[0].offset, posted[0].offset + 300))


async def test_only_a_member_posts(chat: Chat) -> None:
    for room in (DEFAULT_ROOM, "missing"):
        with pytest.raises(NotFound, match="room_not_found"):
            await messages.post(chat, BOB, messages.PostMessage(room=room, body="let me in"))


async def test_a_reply_names_what_it_answers(chat: Chat, relayed: Relayed) -> None:
    first = await messages.post(chat, ADA, text("question"))
    await messages.post(chat, ADA, text("answer", reply_to=first.id))
    assert relayed[-1][1][0].content == f'{{"body":"answer","reply_to":"{first.id}"}}'


async def test_a_reply_names_a_message_of_its_room_which_may_be_deleted(chat: Chat) -> None:
    room, other = await den(chat), await den(chat)
    first, elsewhere = await room.say(ADA, "question"), await other.say(ADA, "secret")
    for missing in (elsewhere, str(uuid_utils.uuid7())):
        with pytest.raises(NotFound, match="message_not_found"):
            await room.say(BOB, "what?", reply_to=missing)
    with pytest.raises(InvalidInput, match="reply_to must be a UUID"):
        await room.say(BOB, "what?", reply_to="that")
    await messages.delete(chat, ADA, room.the(first))
    reply = await room.item(await room.say(BOB, "what was it?", reply_to=first.upper()))
    assert reply["content"]["reply_to"] == first
    assert reply["reply"] == {"id": first, "offset": 3, "author": ADA, "deleted": True}


@pytest.mark.parametrize(("body", "code"), [("", "empty_text"), (" \t\n", "empty_text"), ("a\0b", "invalid_request")])
async def test_a_text_must_say_something_that_can_be_stored(chat: Chat, body: str, code: str) -> None:
    with pytest.raises(InvalidInput, match=code):
        await messages.post(chat, ADA, text(body))


@pytest.mark.parametrize("body", ["x" * 8_001, "👋" * 8_000 + "x", "字" * 8_000 + "xx"])
async def test_a_text_is_bounded_in_characters(chat: Chat, body: str) -> None:
    with pytest.raises(TooLarge, match="text_too_long"):
        await messages.post(chat, ADA, text(body))


async def test_the_longest_text_is_taken(chat: Chat) -> None:
    assert (await messages.post(chat, ADA, text("👋" * 8_000))).offset > 1


async def test_an_edit_is_told_and_shown_and_the_old_texts_can_be_read(chat: Chat) -> None:
    room = await den(chat)
    message = await room.say(BOB, "first")
    for body in ("second", "third"):
        await messages.edit(chat, BOB, messages.EditMessage(room=room.room, message=message, body=body))
    assert await room.last() == ("message.edited", BOB, {"message": message, "body": "third"})
    item = await room.item(message)
    assert (item["content"], item["state"]["body"], item["state"].keys()) == (
        {"body": "first"},
        "third",
        {"body", "edited_at"},
    )
    asked = messages.AskRevisions(room=room.room, message=message)
    found = (await messages.revisions(chat, ADA, asked)).revisions
    assert [(one.n, one.body) for one in found] == [(1, "first"), (2, "second")]
    assert 0 < found[0].at <= found[1].at == item["state"]["edited_at"]
    with pytest.raises(NotFound, match="room_not_found"):
        await messages.revisions(chat, CID, asked)
    with pytest.raises(NotFound, match="message_not_found"):
        await messages.revisions(chat, ADA, messages.AskRevisions(room=room.room, message=str(uuid_utils.uuid7())))


async def test_only_the_author_edits_and_the_text_has_the_limits_of_a_post(chat: Chat) -> None:
    room = await den(chat)
    message = await room.say(BOB)
    with pytest.raises(Forbidden, match="not_your_message"):
        await messages.edit(chat, ADA, messages.EditMessage(room=room.room, message=message, body="mine"))
    for body, code in (("", "empty_text"), ("x" * 8_001, "text_too_long")):
        with pytest.raises(AppError, match=code):
            await messages.edit(chat, BOB, messages.EditMessage(room=room.room, message=message, body=body))
    assert await room.state(message) is None


async def test_a_message_is_edited_at_most_100_times(chat: Chat) -> None:
    room = await den(chat)
    message = await room.say(BOB, "0")
    edits = [messages.EditMessage(room=room.room, message=message, body=str(n)) for n in range(1, 102)]
    await asyncio.gather(*(messages.edit(chat, BOB, one) for one in edits[:100]))
    with pytest.raises(Conflict, match="too_many_edits"):
        await messages.edit(chat, BOB, edits[100])
    assert (await room.state(message) or {})["body"] == "100"


async def mentions(chat: Chat, user: UserId, room: str) -> int:
    return (await rooms.get(chat, user, rooms.ThisRoom(room))).room.mentions


async def test_mentions_count_for_whom_they_mean_until_they_are_read(chat: Chat) -> None:
    room = await den(chat)
    await room.say(ADA, f"<@{BOB}> and <@{ADA}>")
    await room.say(ADA, "<@room>")
    await room.say(ADA, "nobody")
    assert (await mentions(chat, BOB, room.room), await mentions(chat, ADA, room.room)) == (2, 0)
    await markers.set_marker(chat, BOB, markers.MoveMarker(room.room, 3))
    assert await mentions(chat, BOB, room.room) == 1


async def test_an_edit_changes_whom_a_message_mentions(chat: Chat) -> None:
    room = await den(chat)
    message = await room.say(ADA, f"<@{BOB}>")
    for body, expected in (("nobody", 0), ("<@room>", 1), (f"<@{CID}>", 0), (f"<@{BOB}> <@room>", 2)):
        await messages.edit(chat, ADA, messages.EditMessage(room=room.room, message=message, body=body))
        assert min(await mentions(chat, BOB, room.room), 1) == min(expected, 1), body


async def test_a_message_is_deleted_by_its_author_or_by_one_above_them(chat: Chat) -> None:
    room = await den(chat)
    bobs, adas = await room.say(BOB), await room.say(ADA)
    with pytest.raises(Forbidden, match="not_allowed"):
        await messages.delete(chat, BOB, room.the(adas))
    with pytest.raises(NotFound, match="room_not_found"):
        await messages.delete(chat, CID, room.the(bobs))
    await messages.delete(chat, ADA, room.the(bobs))
    assert await room.last() == ("message.deleted", ADA, {"message": bobs})
    assert await messages.delete(chat, BOB, room.the(bobs)) == Changed(0)
    assert await room.state(bobs) == {"deleted": True}
    with pytest.raises(NotFound, match="message_not_found"):
        await messages.edit(chat, BOB, messages.EditMessage(room=room.room, message=bobs, body="back"))


async def test_a_message_is_reported_once_and_nobody_hears_of_it(chat: Chat, relayed: Relayed) -> None:
    room = await den(chat)
    message = await room.say(ADA)
    told = len(relayed)
    for reason in ("rude", "very rude"):
        report = messages.ReportMessage(room=room.room, message=message, reason=reason)
        assert await messages.report(chat, BOB, report) == messages.Reported()
    assert len(relayed) == told
    with pytest.raises(NotFound, match="room_not_found"):
        await messages.report(chat, CID, messages.ReportMessage(room=room.room, message=message, reason="x"))


async def test_a_post_in_a_thread_names_its_root(chat: Chat, relayed: Relayed) -> None:
    room = await den(chat)
    root = await room.say(ADA)
    await room.say(BOB, thread=root)
    entry = relayed[-1][1][0]
    assert (entry.thread, entry.thread_posts, entry.posts) == (root, 1, 1)
    with pytest.raises(InvalidInput, match="thread must be a UUID"):
        await room.say(BOB, thread="x")
