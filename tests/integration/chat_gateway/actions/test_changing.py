import pytest
import uuid_utils

from chat_gateway.actions import changing
from chat_gateway.core.changes import Create
from chat_gateway.core.chat import Chat
from shared.errors import InvalidInput
from tests.integration.chat_gateway.actions.scene import ADA

OWN = str(uuid_utils.uuid7())


async def test_a_change_is_made_by_its_actor_with_the_id_it_brought(chat: Chat) -> None:
    made = await changing.make(chat, ADA, Create, "den", OWN.upper(), name="Den", kind="public")
    again = await changing.make(chat, ADA, Create, "den", OWN, name="Den", kind="public")
    assert made.entry is not None
    assert (made.entry.author, made.entry.client_id, made.entry.log) == (ADA, OWN, "room:den")
    assert (again.entry, again.repeated) == (made.entry, True)


async def test_what_brings_no_id_is_never_a_repeat(chat: Chat) -> None:
    made = await changing.make(chat, ADA, Create, "den", name="Den", kind="public")
    assert made.entry is not None
    assert str(made.entry.client_id) == str(made.entry.id)


async def test_an_id_that_is_no_uuid_is_refused(chat: Chat) -> None:
    with pytest.raises(InvalidInput, match="client_id"):
        await changing.make(chat, ADA, Create, "den", "mine", name="Den", kind="public")
