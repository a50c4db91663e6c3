"""What people here do in a room that the others see at once: that they type, and how far they have read.

It goes by the bus to every instance on which somebody looks at the room, at most once a second a room and kind from
each. Who types must be a member: for a room that is looked at here, that is asked of its members in memory, which
follow its log; for any other, of the database, and the answer is good for some seconds. Whoever was removed meanwhile
is shown to nobody all the same, because every instance names only those who are members where it tells. Whether the
other of two has blocked them is asked of the database, and that answer is good for as long.
"""

from collections.abc import Callable, Collection, Sequence

import msgspec
from typing_extensions import override

from chat_gateway.core import errors, ports
from chat_gateway.core.directs import OF_TWO
from chat_gateway.core.entries import Entry, Kind
from chat_gateway.core.ids import RoomId, UserId
from chat_gateway.core.live import (
    MAX_TYPING,
    MAX_WITH_RECEIPTS,
    RECEIPTS_SECONDS,
    TYPING_SECONDS,
    Ephemeral,
    Receipts,
    Typing,
)
from chat_gateway.core.paced import Paced
from chat_gateway.core.ports import Memberships

_TRUST_SECONDS = 5.0
_MAX_TRUSTED = 10_000


class _Moved(msgspec.Struct):
    room: RoomId
    offset: int
    thread: str | None = None


class _Outgoing:
    def __init__(self) -> None:
        self.typing: Paced[UserId, None] = Paced(TYPING_SECONDS)
        self.markers: Paced[UserId, int] = Paced(RECEIPTS_SECONDS)

    def take(self, now: float) -> list[Typing | Receipts]:
        told: list[Typing | Receipts] = []
        typing, markers = self.typing.take(now), self.markers.take(now)
        if typing:
            told.append(Typing(tuple(typing)[:MAX_TYPING]))
        if 0 < len(markers) <= MAX_WITH_RECEIPTS:  # more people than that are of a room that has no receipts
            told.append(Receipts(markers))
        return told

    def rests(self, now: float) -> bool:
        return self.typing.rests(now) and self.markers.rests(now)


class Activity(ports.Typists):
    """`members_here` knows the members of a room that is looked at here; `send` tells all instances, this one too."""

    def __init__(
        self,
        memberships: Memberships,
        *,
        members_here: Callable[[RoomId], Collection[UserId] | None] = lambda _room: None,
        send: Callable[[RoomId, Ephemeral], None] = lambda _room, _told: None,
        monotonic: Callable[[], float],
    ) -> None:
        self._memberships, self._members_here = memberships, members_here
        self._send, self._monotonic = send, monotonic
        self._rooms: dict[RoomId, _Outgoing] = {}
        self._trusted: dict[tuple[RoomId, UserId], float] = {}
        self._reached: dict[tuple[RoomId, UserId], tuple[bool, float]] = {}

    @override
    async def typing(self, room: RoomId, user: UserId) -> None:
        if not await self._is_member(room, user):
            raise errors.room_not_found()
        if not await self._reaches(room, user):
            raise errors.not_reachable()
        outgoing = self._of(room)
        outgoing.typing.put(user, None)
        self._tell(room, outgoing)

    def committed(self, entries: Sequence[Entry]) -> None:
        """Hear what was committed here: a marker that moved is told to those who look at its room."""
        for entry in entries:
            if entry.kind == Kind.MARKER_MOVED:
                moved = msgspec.json.decode(entry.content, type=_Moved)
                if moved.thread is None:
                    outgoing = self._of(moved.room)
                    outgoing.markers.put(entry.author, moved.offset)
                    self._tell(moved.room, outgoing)

    def tick(self) -> None:
        """Tell what waits and is due, and forget rooms where nothing happened."""
        now = self._monotonic()
        for room, outgoing in list(self._rooms.items()):
            self._tell(room, outgoing)
            if outgoing.rests(now):
                del self._rooms[room]

    def _of(self, room: RoomId) -> _Outgoing:
        return self._rooms.setdefault(room, _Outgoing())

    def _tell(self, room: RoomId, outgoing: _Outgoing) -> None:
        for told in outgoing.take(self._monotonic()):
            self._send(room, told)

    async def _is_member(self, room: RoomId, user: UserId) -> bool:
        members = self._members_here(room)
        if members is not None:
            return user in members
        if self._trusted.get((room, user), 0.0) > self._monotonic():
            return True
        is_member = await self._memberships.has(room, user)
        if is_member:
            if len(self._trusted) >= _MAX_TRUSTED:
                self._trusted.clear()
            self._trusted[room, user] = self._monotonic() + _TRUST_SECONDS
        return is_member

    async def _reaches(self, room: RoomId, user: UserId) -> bool:
        """Ask of blocks only where there may be a direct room of two; a "no" is kept too, or each key would ask."""
        members = self._members_here(room)
        if members is not None and len(members) != OF_TWO:
            return True
        reaches, until = self._reached.get((room, user), (True, 0.0))
        if until <= self._monotonic():
            reaches = await self._memberships.reaches(room, user)
            if len(self._reached) >= _MAX_TRUSTED:
                self._reached.clear()
            self._reached[room, user] = reaches, self._monotonic() + _TRUST_SECONDS
        return reaches
