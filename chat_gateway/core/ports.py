"""What the chat's actions need from the world, each with two implementations (PostgreSQL and SQLite)."""

from collections.abc import Awaitable, Collection, Sequence
from typing import Literal, Protocol

import msgspec

from chat_gateway.core.api_keys import ApiKey
from chat_gateway.core.changes import Applied, Change
from chat_gateway.core.entries import Entry
from chat_gateway.core.history import Item, Revision, ThreadView
from chat_gateway.core.ids import EntryId, RoomId, UserId
from chat_gateway.core.live import Membership, ReadBy
from chat_gateway.core.people import Person
from chat_gateway.core.rooms import Member, Role, Room
from chat_gateway.core.search import Query


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """`items` show the entries with what became of them."""

    items: tuple[Item, ...]
    head: int
    epoch: str

    @property
    def entries(self) -> tuple[Entry, ...]:
        return tuple(item.entry for item in self.items)


class Roster(msgspec.Struct, frozen=True, kw_only=True):
    """A page of those in a room, with the role of who asked."""

    viewer: Role
    members: tuple[Member, ...]
    more: bool


class RoomPage(msgspec.Struct, frozen=True, kw_only=True):
    """Some of the public rooms, by name without regard to case; `more`: others come behind them."""

    rooms: tuple[Room, ...]
    more: bool


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

    async def public(
        self, user: UserId, *, after: RoomId | None = None, limit: int, within: Collection[RoomId] | None = None
    ) -> RoomPage | None:
        """Public rooms as this user sees them (role None where not a member), behind the one that is named `after`.

        Where `within` is given there are no others than those. None where `after` names none of them all.
        """

    async def find(self, room: RoomId, user: UserId) -> Room | None:
        """The room through this user's eyes; None where it is missing, or not public and they are no member."""

    async def members(
        self, room: RoomId, viewer: UserId, *, status: Literal["joined", "banned"], after: UserId, limit: int
    ) -> Roster | None:
        """Those with this status in the order of their ids, behind `after`; None where the viewer is no member."""

    async def invited(self, token_hash: str) -> RoomId | None:
        """The room of an invitation, which may have ended."""


class History(Protocol):
    """Reads for people: membership is read in the same snapshot, so nothing above a removal is ever shown."""

    async def page(
        self, room: RoomId, viewer: UserId, *, after: int | None = None, before: int | None = None, limit: int
    ) -> Page | None:
        """Entries in rising order with the log's head and epoch; None where the viewer is no member.

        `after`: the oldest entries above it; `before`: the newest below it; neither: the newest.
        """

    async def pinned(self, room: RoomId, viewer: UserId) -> Page | None:
        """The pinned messages of a room, in rising order; None where the viewer is no member."""

    async def thread(
        self,
        room: RoomId,
        viewer: UserId,
        root: EntryId,
        *,
        after: int | None = None,
        before: int | None = None,
        limit: int,
    ) -> ThreadView | None:
        """Replies to a message, as `page` gives entries; None where the viewer is no member.

        Raises NotFound `message_not_found`, Conflict `not_a_thread_root`.
        """

    async def revisions(self, room: RoomId, viewer: UserId, message_id: EntryId) -> list[Revision] | None:
        """The texts a message had before, the oldest first; None where the viewer is no member.

        Raises NotFound `message_not_found`, also for a deleted message.
        """

    async def messages(
        self, viewer: UserId, positions: Collection[tuple[RoomId, int]]
    ) -> dict[tuple[RoomId, int], Item]:
        """The messages that stand there, as far as they are not deleted and the viewer is in their room now."""


class Memberships(Protocol):
    async def of(self, room: RoomId) -> Membership | None:
        """All members of the room; None where there is no such room."""

    async def has(self, room: RoomId, user: UserId) -> bool:
        """Whether the user is a member of the room."""

    async def reaches(self, room: RoomId, user: UserId) -> bool:
        """Whether what the user says in the room is taken: not where the other of a direct room of two blocked them."""

    async def receipts(self, room: RoomId, viewer: UserId, *, offset: int | None, most: int) -> ReadBy | None:
        """How far the members have read; None where the viewer is none of them.

        Their markers where they are at most so many; else the number of those whose marker is at or above `offset`, and
        neither where there is none.
        """


class Typists(Protocol):
    async def typing(self, room: RoomId, user: UserId) -> None:
        """Show it to those who look at the room, at most once a second. Raises NotFound `room_not_found`."""


class People(Protocol):
    async def get(self, users: Collection[UserId]) -> list[Person]:
        """Those of the users who are known, in any order."""

    async def know(self, person: Person) -> None:
        """Insert the person if the projection lacks them; never overwrites what the changes feed brought."""

    async def search(self, words: Sequence[str], limit: int) -> list[Person]:
        """People who are not disabled, each of the words beginning a word of their name; ordered by the first."""

    async def block(self, user: UserId, blocked: UserId) -> None: ...

    async def unblock(self, user: UserId, blocked: UserId) -> None: ...


class ApiKeys(Protocol):
    async def all(self) -> list[ApiKey]:
        """Every key there ever was, the oldest first."""

    async def add(self, key: ApiKey, digest: str) -> None: ...

    async def revoke(self, key_id: str, *, now: int) -> None:
        """End the key at this time (Unix milliseconds); one that ended before keeps its end."""


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """Where a message that was found stands; results are ordered by these fields, falling."""

    at: int
    room: RoomId
    offset: int


class Search(Protocol):
    async def find(
        self,
        viewer: UserId,
        query: Query,
        *,
        below: Found | None,
        limit: int,
        within: Collection[RoomId] | None = None,
    ) -> list[Found]:
        """Messages that match, of rooms the viewer is in (and `within`, if given), the newest first.

        Only those below a position.
        """
