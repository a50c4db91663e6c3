import pytest

from chat_gateway.actions import messages, pins
from chat_gateway.core.chat import Chat
from shared.errors import Conflict, Forbidden, NotFound
from tests.integration.chat_gateway.actions.conftest import ADA, BOB
from tests.integration.chat_gateway.actions.den import CID, den


async def test_pinned_messages_are_listed_in_their_order_and_show_since_when(chat: Chat) -> None:
    room = await den(chat)
    said = [await room.say(BOB, str(n)) for n in range(3)]
    for message in (said[2], said[0]):
        await pins.pin(chat, ADA, room.the(message))
    assert await room.last() == ("message.pinned", ADA, {"message": said[0]})
    pinned = await room.page(pinned=True)
    assert [item["id"] for item in pinned] == [said[0], said[2]]
    assert all(item["state"].keys() == {"pinned_at"} and item["state"]["pinned_at"] for item in pinned)
    await pins.unpin(chat, ADA, room.the(said[0]))
    assert await room.last() == ("message.unpinned", ADA, {"message": said[0]})
    assert [item["id"] for item in await room.page(pinned=True)] == [said[2]]
    assert await room.state(said[0]) is None
    await messages.delete(chat, BOB, room.the(said[2]))
    assert await room.page(pinned=True) == []


async def test_members_and_strangers_pin_nothing(chat: Chat) -> None:
    room = await den(chat)
    message = await room.say(BOB)
    with pytest.raises(Forbidden, match="not_allowed"):
        await pins.pin(chat, BOB, room.the(message))
    with pytest.raises(NotFound, match="room_not_found"):
        await pins.pin(chat, CID, room.the(message))
    assert await room.state(message) is None


async def test_a_room_has_at_most_100_pins(chat: Chat) -> None:
    room = await den(chat)
    said = [await room.say(ADA, str(n)) for n in range(101)]
    for message in said[:100]:
        await pins.pin(chat, ADA, room.the(message))
    with pytest.raises(Conflict, match="too_many_pins"):
        await pins.pin(chat, ADA, room.the(said[100]))
    await pins.unpin(chat, ADA, room.the(said[0]))
    await pins.pin(chat, ADA, room.the(said[100]))
    assert len(await room.page(pinned=True)) == 100
