import pytest

from chat_gateway.actions import live, memberships
from chat_gateway.core.chat import Chat
from chat_gateway.core.ids import UserId
from chat_gateway.core.rooms import DEFAULT_ROOM
from shared.errors import InvalidInput, NotFound
from tests.integration.chat_gateway.actions.conftest import ADA, BOB


async def test_only_members_type(chat: Chat) -> None:
    await memberships.join(chat, ADA, memberships.JoinRoom(room=DEFAULT_ROOM))
    assert await live.typing(chat, ADA, live.TypingIn(DEFAULT_ROOM)) == memberships.Done()
    for user, room in ((BOB, DEFAULT_ROOM), (ADA, "nowhere")):
        with pytest.raises(NotFound) as refused:
            await live.typing(chat, user, live.TypingIn(room))
        assert refused.value.code == "room_not_found"


async def test_receipts_are_shown_to_members(chat: Chat) -> None:
    await memberships.join(chat, ADA, memberships.JoinRoom(room=DEFAULT_ROOM))
    assert await live.receipts(chat, ADA, live.AskReceipts(DEFAULT_ROOM)) == live.ReceiptView(markers={ADA: 1})
    with pytest.raises(NotFound) as refused:
        await live.receipts(chat, BOB, live.AskReceipts(DEFAULT_ROOM))
    assert refused.value.code == "room_not_found"


async def test_in_a_room_of_over_fifty_readers_of_an_offset_are_counted(chat: Chat) -> None:
    for number in range(51):
        await memberships.join(chat, UserId(f"u{number}"), memberships.JoinRoom(room=DEFAULT_ROOM))
    with pytest.raises(InvalidInput) as refused:
        await live.receipts(chat, UserId("u1"), live.AskReceipts(DEFAULT_ROOM))
    assert "offset" in refused.value.message
    asked = live.AskReceipts(DEFAULT_ROOM, offset=50)
    assert await live.receipts(chat, UserId("u1"), asked) == live.ReceiptView(count=2)
