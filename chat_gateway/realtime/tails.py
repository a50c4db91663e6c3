"""The last publications of busy channels, in memory, so that a storm of reconnects reads the log only a few times.

A tail begins with what one recovery read of the log, and grows by what the hub delivers. It gives bytes and no rights:
who may read, and up to which head, was read from the log before a tail is asked.
"""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Self

import msgspec
from prometheus_client import Counter, Gauge

from chat_gateway.realtime.publication import Position, Publication

LOOKUPS = Counter("parley_tail_lookups", "Channels with missed entries that looked for a tail, by result.", ["result"])
HELD = Gauge("parley_tail_bytes", "What the tails of this instance hold in memory.")

_HIT, _ABSENT, _SHORT = (LOOKUPS.labels(result) for result in ("hit", "absent", "short"))
"""`absent`: the channel is not busy, or nobody has read it yet. `short`: its tail does not reach far enough."""

_OVERHEAD = 256
"""About what a publication takes in memory beside its data."""


class TailLimits(msgspec.Struct, frozen=True, kw_only=True):
    """A tail may hold the largest recovery, by default 500 entries and 128 KiB. Fewer `listeners` are no storm."""

    listeners: int = 10
    entries: int = 500
    channel_bytes: int = 256 * 1024
    instance_bytes: int = 64 * 1024 * 1024

    @classmethod
    def for_recoveries(cls, *, entries: int, data_bytes: int) -> Self:
        """Make a tail large enough for a recovery of this size, of which one more storm is answered from memory."""
        return cls(entries=entries, channel_bytes=max(cls().channel_bytes, data_bytes + entries * _OVERHEAD))


class Tail:
    """Neighbours in a log, up to `position`.

    It began with a read of the log at `as_of`; what it got since, which is all above that offset, deletes nothing.
    """

    __slots__ = ("as_of", "epoch", "publications", "size")

    def __init__(self, head: Position, publications: Sequence[Publication]) -> None:
        self.epoch = head.epoch
        self.as_of = head.offset
        self.publications = list(publications)
        self.size = sum(map(_size, self.publications))

    @property
    def first(self) -> int:
        return self.publications[0].offset

    @property
    def position(self) -> int:
        return self.publications[-1].offset

    def between(self, after: int, last: int) -> list[Publication]:
        return self.publications[after + 1 - self.first : last + 1 - self.first]

    def add(self, publication: Publication) -> None:
        self.publications.append(publication)
        self.size += _size(publication)

    def fit(self, limits: TailLimits) -> None:
        """Forget the oldest that are too many."""
        while self.size > limits.channel_bytes or len(self.publications) > limits.entries:
            self.size -= _size(self.publications.pop(0))


class Tails:
    """The tails of one instance. No call gives way, so none sees another half done.

    Why no answer whose read begins after a delete's commit holds the text: that read is one snapshot of the database,
    so its head is the delete's entry or above it, whichever instance committed it. A tail whose position is below that
    head does not answer. One at or above it began with a read whose head was the delete's entry or above it, for a tail
    that meets such an entry on its way is dropped; and a text leaves the log in the very transaction that writes the
    entry. A text stands in the log of its own channel only, so the heads compared are those of one log.
    """

    def __init__(self, limits: TailLimits | None = None) -> None:
        self._limits = limits or TailLimits()
        self._listening: Callable[[str], int] = lambda _channel: 0
        self._tails: OrderedDict[str, Tail] = OrderedDict()
        self._size = 0

    def counted_by(self, listening: Callable[[str], int]) -> None:
        """Ask this how many listen to a channel: nothing is kept for one that nobody would tell us of."""
        self._listening = listening

    def missed(self, channel: str, head: Position, *, after: int) -> tuple[Publication, ...] | None:
        """Answer what stands above `after` up to the head, which was read just now; None where the log must be read."""
        tail = self._tails.get(channel)
        if tail is None:
            _ABSENT.inc()
            return None
        if tail.epoch != head.epoch or tail.position < head.offset or tail.first > after + 1:
            _SHORT.inc()
            return None
        _HIT.inc()
        self._tails.move_to_end(channel)
        return tuple(tail.between(after, head.offset))

    def keep(self, channel: str, head: Position, publications: Sequence[Publication]) -> None:
        """Take what was read of the log up to its head, in one snapshot, if the channel is busy."""
        if not publications or self._listening(channel) < self._limits.listeners:
            return
        known = self._tails.get(channel)
        if known is not None and known.epoch == head.epoch and known.position >= head.offset:
            # The read is behind. It must not bring back what was deleted since, nor take away what is there.
            if head.offset < known.as_of or not publications[0].offset < known.first <= head.offset + 1:
                return
            publications = [*publications, *known.between(head.offset, known.position)]
        self.drop(channel)
        tail = self._tails[channel] = Tail(head, publications)
        self._size += tail.size
        self._fit(channel, tail)

    def passed(self, channel: str, epoch: str | None, publication: Publication) -> None:
        """Hear of what the hub delivers. What does not follow shows that the hub has begun again elsewhere."""
        tail = self._tails.get(channel)
        if tail is None or (tail.epoch == epoch and publication.offset <= tail.position):
            return
        if tail.epoch != epoch or publication.offset > tail.position + 1:
            self.drop(channel)
            return
        self._size -= tail.size
        tail.add(publication)
        self._size += tail.size
        self._fit(channel, tail)

    def drop(self, channel: str) -> None:
        """Forget a channel: nobody listens any more, its log is another one, or something of it is deleted."""
        tail = self._tails.pop(channel, None)
        if tail is not None:
            self._size -= tail.size
            HELD.set(self._size)

    def _fit(self, channel: str, tail: Tail) -> None:
        self._size -= tail.size
        tail.fit(self._limits)
        self._size += tail.size
        if not tail.publications:
            self.drop(channel)
        while self._size > self._limits.instance_bytes:
            self.drop(next(iter(self._tails)))
        HELD.set(self._size)


def _size(publication: Publication) -> int:
    return len(publication.data) + _OVERHEAD
