"""All that the chat's actions work with, in one value that app.py makes."""

from collections.abc import Callable

import msgspec

from chat_gateway.core.ids import EntryId
from chat_gateway.core.ports import History, Log, People, Rooms


class Chat(msgspec.Struct, frozen=True, kw_only=True):
    """`new_id` makes a UUIDv7."""

    log: Log
    rooms: Rooms
    history: History
    people: People
    new_id: Callable[[], EntryId]
