import pytest
import uuid_utils

from chat_gateway.actions import pins
from chat_gateway.actions.targets import Changed
from chat_gateway.core.chat import Chat
from shared.errors import Conflict, InvalidInput
from tests.integration.chat_gateway.actions.conftest import ADA
from tests.integration.chat_gateway.actions.den import den


async def test_a_change_is_answered_with_the_offset_of_its_entry_and_so_is_its_repeat(chat: Chat) -> None:
    room = await den(chat)
    message = await room.say(ADA)
    same = str(uuid_utils.uuid7())
    assert await pins.pin(chat, ADA, room.the(message, client_id=same)) == Changed(4)
    assert await pins.pin(chat, ADA, room.the(message, client_id=same)) == Changed(4)
    assert await room.last() == ("message.pinned", ADA, {"message": message})
    with pytest.raises(Conflict, match="client_id_conflict"):
        await pins.unpin(chat, ADA, room.the(message, client_id=same))


async def test_what_is_so_already_is_answered_without_an_entry(chat: Chat) -> None:
    room = await den(chat)
    assert await pins.unpin(chat, ADA, room.the(await room.say(ADA))) == Changed(0)


@pytest.mark.parametrize("fields", [{"message": "1"}, {"message": "", "client_id": "x"}])
async def test_identifiers_are_uuids(chat: Chat, fields: dict[str, str]) -> None:
    room = await den(chat)
    with pytest.raises(InvalidInput, match="UUID"):
        await pins.pin(chat, ADA, room.the(**fields))
