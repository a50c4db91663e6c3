import json
from typing import Any

import pytest

from chat_gateway.actions import history, memberships, messages
from chat_gateway.core.chat import Chat
from chat_gateway.core.rooms import DEFAULT_ROOM
from shared.errors import InvalidInput, NotFound
from tests.integration.chat_gateway.actions.conftest import ADA, BOB
from tests.integration.chat_gateway.actions.den import den


@pytest.fixture(autouse=True)
async def ada_has_said_ten_things(chat: Chat) -> None:
    await memberships.join(chat, ADA, memberships.JoinRoom(room=DEFAULT_ROOM))
    for n in range(10):
        await messages.post(chat, ADA, messages.PostMessage(room=DEFAULT_ROOM, body=f"text {n}"))


async def page(chat: Chat, **fields: Any) -> list[dict[str, Any]]:
    found = await history.page(chat, ADA, history.PageRequest(room=DEFAULT_ROOM, **fields))
    assert found.head == 11
    assert found.epoch
    return [json.loads(bytes(entry)) for entry in found.entries]


async def test_without_a_direction_the_newest_come(chat: Chat) -> None:
    assert [entry["offset"] for entry in await page(chat, limit=3)] == [9, 10, 11]


async def test_pages_go_in_both_directions_and_rise_in_each(chat: Chat) -> None:
    assert [entry["offset"] for entry in await page(chat, after=2, limit=3)] == [3, 4, 5]
    assert [entry["offset"] for entry in await page(chat, before=5, limit=3)] == [2, 3, 4]
    assert await page(chat, after=11) == []
    assert await page(chat, before=1) == []


async def test_an_item_is_the_entry_as_it_was_relayed_with_its_offset(chat: Chat) -> None:
    joined, first = await page(chat, after=0, limit=2)
    assert (joined["type"], joined["subject"], joined["content"]) == ("member.joined", ADA, {"role": "member"})
    assert (first["type"], first["author"], first["posts"]) == ("message.posted", ADA, 1)
    assert first["content"] == {"body": "text 0"}


async def test_both_directions_at_once_make_no_page(chat: Chat) -> None:
    with pytest.raises(InvalidInput, match="invalid_request"):
        await page(chat, before=5, after=1)


async def test_only_a_member_reads(chat: Chat) -> None:
    for room in (DEFAULT_ROOM, "missing"):
        with pytest.raises(NotFound, match="room_not_found"):
            await history.page(chat, BOB, history.PageRequest(room=room))


async def test_a_reply_shows_the_beginning_of_what_it_answers_as_it_stands_now(chat: Chat) -> None:
    room = await den(chat)
    first = await room.say(ADA, "x" * 300)
    reply = await room.say(BOB, "yes", reply_to=first)
    shown = {"id": first, "offset": 3, "author": ADA, "body": "x" * 200}
    assert (await room.item(reply))["reply"] == shown
    await messages.edit(chat, ADA, messages.EditMessage(room=room.room, message=first, body="short"))
    assert (await room.item(reply))["reply"] == shown | {"body": "short"}
    assert "reply" not in await room.item(first)


async def test_pins_come_at_once(chat: Chat) -> None:
    with pytest.raises(InvalidInput, match="pinned"):
        await page(chat, pinned=True, before=5)
    assert await page(chat, pinned=True) == []
    for room in (DEFAULT_ROOM, "missing"):
        with pytest.raises(NotFound, match="room_not_found"):
            await history.page(chat, BOB, history.PageRequest(room=room, pinned=True))
