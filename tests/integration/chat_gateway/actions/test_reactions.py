import asyncio

import pytest

from chat_gateway.actions import memberships, reactions
from chat_gateway.actions.targets import Changed
from chat_gateway.core.chat import Chat
from chat_gateway.core.ids import UserId
from shared.errors import Conflict, InvalidInput, NotFound
from tests.integration.chat_gateway.actions.conftest import ADA, BOB
from tests.integration.chat_gateway.actions.den import CID, Den, den


def with_emoji(room: Den, message: str, emoji: str) -> reactions.ReactToMessage:
    return reactions.ReactToMessage(room=room.room, message=message, emoji=emoji)


async def test_reactions_are_told_and_shown_by_emoji_in_the_order_of_their_first_use(chat: Chat) -> None:
    room = await den(chat)
    message = await room.say(ADA)
    await reactions.react(chat, BOB, with_emoji(room, message, "👍🏽"))
    assert await room.last() == ("reaction.added", BOB, {"message": message, "emoji": "👍🏽"})
    await reactions.react(chat, ADA, with_emoji(room, message, ":tada:"))
    await reactions.react(chat, ADA, with_emoji(room, message, "👍🏽"))
    assert await reactions.react(chat, ADA, with_emoji(room, message, "👍🏽")) == Changed(0)
    assert await room.state(message) == {
        "reactions": [
            {"emoji": "👍🏽", "users": [BOB, ADA], "count": 2},
            {"emoji": ":tada:", "users": [ADA], "count": 1},
        ]
    }


async def test_a_reaction_taken_back_is_told_and_gone(chat: Chat) -> None:
    room = await den(chat)
    message = await room.say(ADA)
    await reactions.react(chat, BOB, with_emoji(room, message, "👍"))
    await reactions.unreact(chat, BOB, with_emoji(room, message, "👍"))
    assert await room.last() == ("reaction.removed", BOB, {"message": message, "emoji": "👍"})
    assert await reactions.unreact(chat, BOB, with_emoji(room, message, "👍")) == Changed(0)
    assert await room.state(message) is None


async def test_the_first_20_people_are_named_and_all_are_counted(chat: Chat) -> None:
    room = await den(chat)
    message = await room.say(ADA)
    crowd = [UserId(f"u{number:02}") for number in range(25)]
    for user in crowd:
        await memberships.join(chat, user, memberships.JoinRoom(room=room.room))
        await reactions.react(chat, user, with_emoji(room, message, "👍"))
    state = await room.state(message)
    assert state is not None
    ((shown),) = state["reactions"]
    assert (shown["count"], sorted(shown["users"])) == (25, crowd[:20])


async def test_a_message_bears_at_most_50_different_emojis(chat: Chat) -> None:
    room = await den(chat)
    message = await room.say(ADA)
    wishes = [reactions.react(chat, ADA, with_emoji(room, message, f":e{number}:")) for number in range(50)]
    await asyncio.gather(*wishes)
    with pytest.raises(Conflict, match="too_many_reactions"):
        await reactions.react(chat, BOB, with_emoji(room, message, ":e50:"))
    await reactions.react(chat, BOB, with_emoji(room, message, ":e7:"))
    state = await room.state(message)
    assert state is not None
    assert len(state["reactions"]) == 50


async def test_only_members_react_and_only_with_emojis(chat: Chat) -> None:
    room = await den(chat)
    message = await room.say(ADA)
    with pytest.raises(NotFound, match="room_not_found"):
        await reactions.react(chat, CID, with_emoji(room, message, "👍"))
    for verb in (reactions.react, reactions.unreact):
        with pytest.raises(InvalidInput, match="invalid_request"):
            await verb(chat, BOB, with_emoji(room, message, "nice"))
