"""What a connection wants of what its user may read: which channels, and of which of them what was missed.

No I/O: `Snapshots` reads. What fits is decided by counts before anything is read, then by size.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import msgspec

from chat_gateway.core.ids import UserId, room_log, user_log
from chat_gateway.core.rooms import Room
from chat_gateway.realtime.ports import Recovered
from chat_gateway.realtime.publication import Position, Publication
from chat_gateway.store.seen_rooms import Rows, room_of

Missed = Mapping[str, tuple[Publication, ...]]


class RoomSnapshot(msgspec.Struct, frozen=True, kw_only=True):
    rooms: tuple[Room, ...]
    epoch: str
    channels: dict[str, Recovered]


class Seen(NamedTuple):
    """What one user may read, as rows for `room_of`, with the head of the user's own log."""

    rows: Rows
    own_head: int
    epoch: str


class Wish(NamedTuple):
    """What `Snapshots.take` was asked for."""

    user: UserId
    since: Mapping[str, Position | None]
    whole: bool
    max_entries: int
    max_bytes: int | None

    def of(self, seen: Seen) -> "Wanted":
        """Choose from what the user may read."""
        rooms = tuple(map(room_of, seen.rows))
        readable = [(user_log(self.user), seen.own_head), *((room_log(room.id), room.head) for room in rooms)]
        heads: dict[str, Position] = {
            channel: Position(head, seen.epoch) for channel, head in readable if self.whole or channel in self.since
        }
        behind = _behind(heads, self.since)
        counts = {channel: heads[channel].offset - offset for channel, offset in behind.items()}
        chosen = {channel: behind[channel] for channel in fitting(counts, self.max_entries)}
        return Wanted(rooms, seen.epoch, heads, behind, chosen)


class Wanted(NamedTuple):
    """The channels of one answer: after which offsets something is missed, and of which it is to be read."""

    rooms: tuple[Room, ...]
    epoch: str
    heads: dict[str, Position]
    behind: dict[str, int]
    chosen: dict[str, int]

    def with_missed(self, missed: Missed) -> RoomSnapshot:
        channels = {
            channel: _recovered(head, self.behind.get(channel), missed.get(channel))
            for channel, head in self.heads.items()
        }
        return RoomSnapshot(rooms=self.rooms, epoch=self.epoch, channels=channels)


def _behind(heads: Mapping[str, Position], since: Mapping[str, Position | None]) -> dict[str, int]:
    """Tell for which channels recovery is possible, and after which offset. The empty epoch stands for any."""
    return {
        channel: position.offset
        for channel, head in heads.items()
        if (position := since.get(channel)) is not None
        and position.epoch in ("", head.epoch)
        and 0 <= position.offset <= head.offset
    }


def fitting(sizes: Mapping[str, int], most: int) -> Sequence[str]:
    """Take channels in their order; one that does not fit is left out, and smaller ones after it may still fit."""
    chosen = []
    for channel, size in sizes.items():
        if 0 < size <= most:
            most -= size
            chosen.append(channel)
    return chosen


def within(found: Missed, max_bytes: int | None) -> Missed:
    """Leave out what does not fit; the order is the channels'."""
    if max_bytes is None:
        return found
    sizes = {channel: size_of(publications) for channel, publications in found.items()}
    return {channel: found[channel] for channel in fitting(sizes, max_bytes)}


def size_of(publications: Iterable[Publication]) -> int:
    return sum(len(publication.data) for publication in publications)


def _recovered(head: Position, after: int | None, missed: tuple[Publication, ...] | None) -> Recovered:
    if after == head.offset:
        return Recovered(head=head, recovered=True)
    return Recovered(head=head, recovered=missed is not None, publications=missed or ())
