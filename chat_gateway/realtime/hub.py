"""Who listens to what on this instance, and the one door through which every publication comes.

The hub turns a bus that loses, repeats and reorders into exactly-once in order: each channel has a gate (channel.py),
what is missing is asked of the repairer, which reads the log. Membership rides in the publications: the hub takes a
user's listeners off a channel at the very offset that says so. Ephemerals pass by the gate.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Protocol

from chat_gateway.protocol.codec import Unencodable
from chat_gateway.realtime import ephemerals
from chat_gateway.realtime.channel import Channel, Listener
from chat_gateway.realtime.membership import Membership
from chat_gateway.realtime.ports import Application, Bus
from chat_gateway.realtime.publication import Batch, Position, Publication
from chat_gateway.realtime.tails import Tails


class Repairs(Protocol):
    """What the hub asks for: synchronous, answered later through `Hub.repaired` and `Hub.compare`."""

    def missing(self, channel: str) -> None:
        """A hole is open: read the log if it is still open in a moment."""

    def check(self, channels: Collection[str]) -> None:
        """Compare heads and epochs of these channels now."""

    def stalled(self) -> bool:
        """Whether the process has just been stopped for so long that input is too old to be relayed."""


Observer = Callable[[str, Publication], None]
"""Hears of a publication and the name of its channel."""


class Hub:
    """`origin` tells our own ephemerals, which the bus brings back, from those of other instances."""

    def __init__(self, application: Application, origin: str, tails: Tails | None = None) -> None:
        self._origin = origin
        self._bus: Bus | None = None
        self._repairs: Repairs | None = None
        self._observer: Observer | None = None
        self._channels: dict[str, Channel] = {}
        self._beginnings = 0
        self._tails = tails or Tails()
        self._tails.counted_by(self.listening)
        self._membership = Membership(application, self.detach, self._tails)

    def carried_by(self, bus: Bus) -> None:
        self._bus = bus

    def repaired_by(self, repairs: Repairs) -> None:
        self._repairs = repairs

    def observed_by(self, observer: Observer) -> None:
        """Have it hear every publication of a log somebody here listens to: once and in order, behind the listeners.

        It must not raise. Where a log turns out to be another one, it hears nothing of what lies between.
        """
        self._observer = observer

    def channels(self) -> list[str]:
        return list(self._channels)

    def listening(self, name: str) -> int:
        """Count those who listen to the channel here or are about to."""
        channel = self._channels.get(name)
        return 0 if channel is None else channel.size()

    def positioned(self) -> list[str]:
        """Name the channels that have a log and a position in it: those whose heads can be compared."""
        return [name for name, channel in self._channels.items() if channel.epoch is not None]

    def enter(self, listener: Listener) -> None:
        """Make the listener findable by its user."""
        self._membership.enter(listener)

    def listeners_of(self, user_id: str) -> list[Listener]:
        """Answer the user's listeners on this instance, the oldest first."""
        return list(self._membership.users.get(user_id, ()))

    def leave(self, listener: Listener, channels: Iterable[str]) -> None:
        """Take the listener off all its channels and out of the hub."""
        for name in channels:
            self.detach(listener, name)
        self._membership.leave(listener)

    def attach(self, listener: Listener, name: str) -> None:
        """Let the listener join: what passes is buffered for it from now on, so attach before reading its snapshot."""
        channel = self._channels.get(name)
        if channel is None:
            channel = self._channels[name] = Channel(name)
            if self._bus is not None:
                self._bus.subscribe(name)
        channel.joining[listener] = []

    def detach(self, listener: Listener, name: str) -> None:
        channel = self._channels.get(name)
        if channel is None:
            return
        channel.leave(listener)
        if channel.is_empty():
            del self._channels[name]
            self._tails.drop(name)
            if self._bus is not None:
                self._bus.unsubscribe(name)

    def reading(self) -> int:
        """Name the present moment, before something is read of the log whose epoch is not known yet."""
        return self._beginnings

    def covers(self, listener: Listener, name: str, head: Position, read_at: int) -> bool:
        """Whether the listener's snapshot and its buffer leave no gap; if not, its snapshot must be read again."""
        channel = self._channels[name]
        if channel.epoch not in (None, head.epoch):
            if read_at < channel.begun:
                return False
            self._renew(channel, head)
        return channel.covers(listener, head.offset)

    def settle(self, listener: Listener, name: str, head: Position) -> None:
        """End the joining: deliver what passed since the snapshot, then let the listener live.

        To be called after `covers` said yes and the snapshot's reply was queued, with no await in between.
        """
        channel = self._channels[name]
        self._learn(channel, head)
        for publication in channel.settle(listener, head.offset):
            try:
                listener.put(listener.wrap(listener.codec.publication(name, publication)))
            except Unencodable:
                listener.unfit()
                break
            if publication.kind in self._membership.kinds and self._membership.apply_to(listener, channel, publication):
                break  # nothing that stands above the loss may be written
        self._watch(channel)

    def follow(self, listener: Listener, name: str) -> None:
        """End the joining of a channel without a log."""
        self._channels[name].follow(listener)

    def announced(self, batch: Batch) -> None:
        """Pass ephemerals, from the bus or of our own, to whoever listens now."""
        channel = self._channels.get(batch.channel)
        if channel is not None and not self._stalled():
            for publication in batch.publications:
                ephemerals.deliver(channel, publication)

    def received(self, batch: Batch) -> None:
        """Take a batch, from the bus or of our own commit."""
        if not batch.epoch:
            if batch.publications[0].id != self._origin:
                self.announced(batch)
            return
        channel = self._channels.get(batch.channel)
        if channel is None:
            return
        if self._stalled():
            return
        if channel.epoch is not None and channel.epoch != batch.epoch:
            self._check(batch.channel)  # an old batch still on its way, or a restored log: only the log can tell
            return
        self._pass(channel, batch.publications, batch.epoch)

    def repaired(self, name: str, publications: Iterable[Publication], epoch: str) -> bool:
        """Take what was read for a hole. False where it was not taken, as that of another log is not."""
        channel = self._channels.get(name)
        if channel is None or self._stalled():
            return False
        if channel.epoch != epoch:
            self._check(name)
            return False
        self._pass(channel, publications, epoch)
        return True

    def compare(self, name: str, head: Position, read_at: int) -> None:
        """Take a head as the log has it: start from it, see a hole by it, or see that the log is another one.

        Epochs have no order: of two, the later one is that which was read after the other had become known.
        """
        channel = self._channels.get(name)
        if channel is None or channel.epoch is None:
            return  # its first listener is still reading, and learns the position from its own snapshot
        if channel.epoch != head.epoch:
            if read_at < channel.begun:
                self._check(name)
            else:
                self._renew(channel, head)
            return
        channel.learn(head)
        self._watch(channel)

    def position(self, name: str) -> Position | None:
        """The position to read on from, where a hole is open; None where there is none."""
        channel = self._channels.get(name)
        if channel is None or channel.epoch is None or channel.position is None or not channel.hole():
            return None
        return Position(channel.position, channel.epoch)

    def confirmed(self, channels: Sequence[str]) -> None:
        """Look for what was published before the bus began to carry these."""
        if self._repairs is not None:
            self._repairs.check([name for name in channels if name in self._channels])

    def give_up(self, name: str) -> None:
        """The log has nothing where a hole seemed to be: what pointed there was not of this log."""
        channel = self._channels.get(name)
        if channel is not None and channel.position is not None:
            channel.held.clear()
            channel.expected = channel.position

    def discard_held(self) -> None:
        """Drop what waits behind holes: it is read again from the log."""
        for channel in self._channels.values():
            channel.held.clear()

    def _check(self, name: str) -> None:
        if self._repairs is not None:
            self._repairs.check([name])

    def _stalled(self) -> bool:
        return self._repairs is not None and self._repairs.stalled()

    def _pass(self, channel: Channel, publications: Iterable[Publication], epoch: str) -> None:
        self._deliver_all(channel, channel.offer(publications, epoch))
        self._watch(channel)

    def _watch(self, channel: Channel) -> None:
        if channel.hole() and self._repairs is not None:
            self._repairs.missing(channel.name)

    def _deliver_all(self, channel: Channel, publications: Sequence[Publication]) -> None:
        for publication in publications:
            self._deliver(channel, publication)

    def _deliver(self, channel: Channel, publication: Publication) -> None:
        for group in channel.live.values():
            if group:
                _fan_out(group, channel.name, publication)
        channel.buffer(publication)
        self._tails.passed(channel.name, channel.epoch, publication)
        for listener in channel.arrive(publication.offset) if channel.waiting else ():
            channel.live.setdefault(listener.variant, {})[listener] = None
        if publication.kind in self._membership.kinds:
            self._membership.apply(channel, publication)
        if self._observer is not None:
            self._observer(channel.name, publication)

    def _learn(self, channel: Channel, head: Position) -> None:
        if channel.epoch is None:
            self._beginnings += 1
            channel.begun = self._beginnings
        self._deliver_all(channel, channel.learn(head))

    def _renew(self, channel: Channel, head: Position) -> None:
        """Begin again in another epoch: listeners of the old one are told, those joining read their snapshot again."""
        channel.forget()
        self._tails.drop(channel.name)
        self._learn(channel, head)
        for buffer in channel.joining.values():
            buffer.clear()
        for listener in channel.settled():
            listener.outdated(channel.name)


def _fan_out(group: Collection[Listener], channel: str, publication: Publication) -> None:
    """Give it to all who take the same wire bytes: encoded, and judged, once for all of them."""
    one = next(iter(group))
    try:
        frame = one.wrap(one.codec.publication(channel, publication))
    except Unencodable:
        for listener in group:
            listener.unfit()
        return
    for listener in group:
        listener.put(frame)
