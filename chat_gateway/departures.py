"""Deleted accounts leave their rooms: those that are heard of at once, and at the start whatever was left undone.

Every gateway does it, and each change is decided under its room's lock: what another has done already stays. So there
is one entry in a log however many hear of it, and a gateway that dies in the middle leaves the rest to the next look. A
room that refuses holds up no other.
"""

import asyncio
from collections.abc import Collection, Sequence
from contextlib import suppress
from typing import NamedTuple, Protocol

import structlog

from chat_gateway.actions.departures import depart
from chat_gateway.core.chat import Chat
from chat_gateway.core.ids import RoomId, UserId
from chat_gateway.core.people import Person
from shared.errors import AppError, Unavailable

_log = structlog.get_logger(__name__)

_PAGE = 200
"""Accounts, rooms or conversations that are read at once."""


class Store(Protocol):
    """As store/departures.py reads it; each answers at most `limit`."""

    async def deleted(self, *, after: UserId, limit: int) -> list[UserId]: ...

    async def leaving(
        self, users: Collection[UserId], *, after: tuple[UserId, RoomId], limit: int
    ) -> Sequence[tuple[UserId, RoomId, bool]]: ...

    async def conversations(self, users: Collection[UserId], *, limit: int) -> Sequence[tuple[UserId, UserId]]: ...


class Times(NamedTuple):
    """In seconds: between looks at all accounts that are deleted, and after an error."""

    interval: float = 3600.0
    retry: float = 5.0


class Departures:
    """`run` belongs to the caller's TaskGroup and raises nothing."""

    def __init__(self, chat: Chat, store: Store, times: Times = Times()) -> None:  # noqa: B008 -- immutable
        self._chat, self._store, self._times = chat, store, times
        self._heard: set[UserId] = set()
        self._rung = asyncio.Event()

    def heard(self, person: Person) -> None:
        """Take note of what the changes feed says of somebody, once the projection has it."""
        if person.deleted:
            self._heard.add(person.id)
            self._rung.set()

    async def run(self) -> None:
        is_due = True
        while True:
            heard, self._heard = self._heard, set()
            self._rung.clear()
            try:
                await (self._look_at_all() if is_due else self._depart(sorted(heard)))
            except AppError as error:
                _log.warning("departures.paused", error=str(error))
                await asyncio.sleep(self._times.retry)
                is_due = True
            else:
                is_due = not await self._rings_in_time()

    async def _rings_in_time(self) -> bool:
        with suppress(TimeoutError):
            async with asyncio.timeout(self._times.interval):
                await self._rung.wait()
        return self._rung.is_set()

    async def _look_at_all(self) -> None:
        after = UserId("")
        while page := await self._store.deleted(after=after, limit=_PAGE):
            await self._depart(page)
            after = page[-1]

    async def _depart(self, users: Sequence[UserId]) -> None:
        """Take these out of their rooms, and close what only they would read."""
        after = UserId(""), RoomId("")
        while leaving := await self._store.leaving(users, after=after, limit=_PAGE):
            for user, room, is_owner in leaving:
                await self._leave(user, room, is_owner=is_owner)
                after = user, room
        while open_ones := await self._store.conversations(users, limit=_PAGE):
            for user, other in open_ones:
                await self._chat.people.block(user, other)

    async def _leave(self, user: UserId, room: RoomId, *, is_owner: bool) -> None:
        try:
            await depart(self._chat, user, room, is_owner=is_owner)
        except Unavailable:
            raise
        except AppError as error:
            _log.warning("departures.refused", room=room, error=str(error))
