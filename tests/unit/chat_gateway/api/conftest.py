from typing import Any

import pytest

from chat_gateway.core.chat import Chat
from chat_gateway.core.ids import EntryId
from tests.builders import ID


class NoPort:
    def __getattr__(self, method: str) -> Any:
        return self._refuse

    def _refuse(self, *_: Any, **__: Any) -> Any:
        raise AssertionError


@pytest.fixture
def portless() -> Chat:
    """A chat without any port: what is refused before it reaches one can be asked of it."""
    parts: dict[str, Any] = dict.fromkeys(
        ("log", "rooms", "history", "people", "search", "memberships", "typists"), NoPort()
    )
    return Chat(**parts, new_id=lambda: EntryId(ID))
