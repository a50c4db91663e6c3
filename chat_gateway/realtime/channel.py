"""One channel on this instance: its position, its order gate and who listens.

Whatever comes, from our own commits, the bus or a repair, passes one gate: the next offset is delivered, an older one
is a repeat and dropped, a later one is held until the hole before it is filled. So listeners see every publication
exactly once and in order, though the bus promises neither.

A listener is in one of three states. Joining: attached before its snapshot is read, what passes is buffered. Waiting:
its snapshot was ahead of this instance, what passes is skipped up to that head. Live: it gets what passes.
"""

from collections.abc import Hashable, Iterable, Sequence
from typing import Protocol

from chat_gateway.protocol.codec import Codec
from chat_gateway.realtime.publication import Position, Publication

MAX_HELD = 1_000
"""Publications kept beyond a hole, and for one joining listener; the log has what is dropped above that."""


class Listener(Protocol):
    """A session, as channels and the hub see it. Nothing here blocks; `put` takes wire bytes of the listener's kind."""

    user_id: str
    codec: Codec

    @property
    def variant(self) -> Hashable:
        """Equal for all listeners that take the same wire bytes."""

    def wrap(self, payload: bytes) -> bytes: ...

    def put(self, frame: bytes) -> None: ...

    def put_ephemeral(self, frame: bytes) -> None:
        """Take a frame that may be dropped where there are too many."""

    def follows(self, channel: str) -> bool:
        """Whether the listener is told who joins and leaves the channel."""

    def gains(self, channel: str) -> None:
        """The user may read one more channel."""

    def loses(self, channel: str) -> None:
        """The listener has been taken off the channel, because its user may no longer read it."""

    def unfit(self) -> None:
        """Something was published that cannot be told in the listener's encoding: it gets no more, and goes soon."""

    def withhold(self) -> None:
        """What was delivered to the listener and is not on its way yet may have to stay with us."""

    def outdated(self, channel: str) -> None:
        """The channel's log is not the one the listener knows."""


class Channel:
    """`begun` numbers the moment at which the present epoch became known, counted by the hub."""

    __slots__ = ("begun", "epoch", "expected", "held", "held_epoch", "joining", "live", "name", "position", "waiting")

    def __init__(self, name: str) -> None:
        self.name = name
        self.epoch: str | None = None
        self.begun = 0
        self.position: int | None = None
        self.held: dict[int, Publication] = {}
        self.held_epoch = ""
        self.expected = 0
        self.live: dict[Hashable, dict[Listener, None]] = {}
        self.joining: dict[Listener, list[Publication]] = {}
        self.waiting: dict[Listener, int] = {}

    def is_empty(self) -> bool:
        return not (self.joining or self.waiting or any(self.live.values()))

    def size(self) -> int:
        return len(self.joining) + len(self.waiting) + sum(map(len, self.live.values()))

    def offer(self, publications: Iterable[Publication], epoch: str) -> list[Publication]:
        """Pass publications of this epoch through the gate; answer those that are now due, in order."""
        if self.held_epoch != epoch:
            self.held.clear()
            self.held_epoch = epoch
        due: list[Publication] = []
        for publication in publications:
            if self.position is None or publication.offset > self.position + 1:
                self._hold(publication)
            elif publication.offset == self.position + 1:
                self._take(publication, due)
        return due

    def learn(self, head: Position) -> list[Publication]:
        """Start from this position if the channel has none yet; answer what was held for it."""
        if self.position is not None:
            self.expected = max(self.expected, head.offset)
            return []
        self.epoch, self.position = head.epoch, head.offset
        held, self.held = self.held, {}
        if self.held_epoch != head.epoch:
            return []
        return self.offer([held[offset] for offset in sorted(held)], head.epoch)

    def forget(self) -> None:
        """Drop position and epoch: the log is not the one that was known."""
        self.epoch = self.position = None
        self.held.clear()
        self.expected = 0

    def hole(self) -> bool:
        return self.position is not None and (bool(self.held) or self.expected > self.position)

    def follow(self, listener: Listener) -> None:
        """Let a listener live that needs no position, because the channel has none."""
        del self.joining[listener]
        self.live.setdefault(listener.variant, {})[listener] = None

    def settled(self) -> list[Listener]:
        """Those whose subscription has been told to them, whether or not they skip what is in their snapshot."""
        return [*self.waiting, *(listener for group in self.live.values() for listener in group)]

    def covers(self, listener: Listener, head: int) -> bool:
        """Whether a snapshot read up to `head` and the joining buffer together leave no gap."""
        if self.position is None or head >= self.position:
            return True
        return len(self._above(listener, head)) == self.position - head

    def settle(self, listener: Listener, head: int) -> Sequence[Publication]:
        """End the joining of a listener whose snapshot went up to `head`; answer what it still has to get."""
        missed = self._above(listener, head)
        del self.joining[listener]
        if self.position is not None and self.position < head:
            self.waiting[listener] = head
        else:
            self.live.setdefault(listener.variant, {})[listener] = None
        return missed

    def buffer(self, publication: Publication) -> None:
        """Keep what passes for those who are joining; one whose buffer is full has to read its snapshot again."""
        for buffer in self.joining.values():
            if len(buffer) < MAX_HELD:
                buffer.append(publication)

    def arrive(self, offset: int) -> list[Listener]:
        """Take those off the waiting list whose head this offset is."""
        there = [listener for listener, head in self.waiting.items() if head <= offset]
        for listener in there:
            del self.waiting[listener]
        return there

    def leave(self, listener: Listener) -> None:
        self.joining.pop(listener, None)
        self.waiting.pop(listener, None)
        for group in self.live.values():
            group.pop(listener, None)

    def _above(self, listener: Listener, head: int) -> list[Publication]:
        return [publication for publication in self.joining[listener] if publication.offset > head]

    def _hold(self, publication: Publication) -> None:
        self.expected = max(self.expected, publication.offset)
        if len(self.held) < MAX_HELD:
            self.held[publication.offset] = publication

    def _take(self, publication: Publication, due: list[Publication]) -> None:
        following: Publication | None = publication
        while following is not None:
            due.append(following)
            self.position = following.offset
            following = self.held.pop(following.offset + 1, None)
