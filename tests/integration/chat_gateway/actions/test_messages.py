import asyncio
from collections.abc import Sequence

import pytest
import uuid_utils

from chat_gateway.actions import messages, rooms
from chat_gateway.core.chat import Chat
from chat_gateway.core.entries import Entry
from chat_gateway.core.ids import LogId
from chat_gateway.core.rooms import DEFAULT_ROOM
from shared.errors import Conflict, InvalidInput, NotFound, TooLarge
from tests.integration.chat_gateway.actions.conftest import ADA, BOB

Relayed = list[tuple[LogId, Sequence[Entry]]]


@pytest.fixture(autouse=True)
async def ada_is_in_the_lobby(chat: Chat) -> None:
    await rooms.join(chat, ADA, rooms.ChangeMembership(room=DEFAULT_ROOM))


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
