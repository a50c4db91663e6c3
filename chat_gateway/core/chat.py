"""All that the chat's actions work with, in one value that app.py makes."""

import secrets
from collections.abc import Callable

import msgspec

from chat_gateway.core.ids import EntryId
from chat_gateway.core.ports import History, Log, Memberships, People, Rooms, Search, Typists


class Chat(msgspec.Struct, frozen=True, kw_only=True):
    """`new_id` makes a UUIDv7, `new_secret` text that nobody can guess and every URL can hold."""

    log: Log
    rooms: Rooms
    history: History
    people: People
    search: Search
    memberships: Memberships
    typists: Typists
    new_id: Callable[[], EntryId]
    new_secret: Callable[[], str] = secrets.token_urlsafe
