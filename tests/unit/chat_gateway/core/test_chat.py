from typing import Any

import pytest

from chat_gateway.core.chat import Chat
from chat_gateway.core.ids import EntryId
from tests.builders import ID


def test_the_parts_of_a_chat_are_chosen_once() -> None:
    parts: dict[str, Any] = dict.fromkeys(("log", "rooms", "history", "people", "search", "memberships", "typists"))
    chat = Chat(**parts, new_id=lambda: EntryId(ID))
    assert chat.new_id() == ID
    with pytest.raises(AttributeError):
        chat.log = chat.log  # type: ignore[misc]
