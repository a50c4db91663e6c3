"""What the chat's actions need from the world, each with two implementations (PostgreSQL and SQLite)."""

from collections.abc import Awaitable, Collection
from typing import Protocol

import msgspec

from chat_gateway.core.changes import Applied, Change
from chat_gateway.core.entries import Entry
from chat_gateway.core.ids import RoomId, UserId
from chat_gateway.core.people import Person
from chat_gateway.core.rooms import Room


class Page(msgspec.Struct, frozen=True, kw_only=True):
    entries: tuple[Entry, ...]
    head: int
    epoch: str


class Log(Protocol):
    """The one way in which anything is written to a log."""

    def append(self, change: Change) -> Awaitable[Applied]:
        """Put a change into the commit queue, at the call and in the order of calls; answer once it is committed.

        By then the entry has gone to this instance's hub and to the bus. Raises core.errors' refusals, or Unavailable
        where it is known that nothing was committed. Cancelling the awaiter does not take the change back.
        """


class Rooms(Protocol):
    async def of_member(self, user: UserId) -> list[Room]:
        """All rooms the user is in, the most recently active first."""

    async def public(self, user: UserId) -> list[Room]:
        """All public rooms as this user sees them (role None where not a member), by name; at most 1,000."""

    async def find(self, room: RoomId, user: UserId) -> Room | None:
        """The room through this user's eyes; None where it is missing, or private and they are no member."""


class History(Protocol):
    async def page(
        self, room: RoomId, viewer: UserId, *, after: int | None = None, before: int | None = None, limit: int
    ) -> Page | None:
        """Entries in rising order with the log's head and epoch; None where the viewer is no member.

        Membership, head and entries are of one snapshot, so nothing above a removal is ever shown. `after`: the oldest
        entries above it; `before`: the newest below it; neither: the newest.
        """


class People(Protocol):
    async def get(self, users: Collection[UserId]) -> list[Person]:
        """Those of the users who are known, in any order."""

    async def know(self, person: Person) -> None:
        """Insert the person if the projection lacks them; never overwrites what the changes feed brought."""
