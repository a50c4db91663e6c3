"""Who listens to what on this instance, and the one door through which every publication comes.

The hub turns a bus that loses, repeats and reorders into exactly-once in order: each channel has a gate (channel.py),
what is missing is asked of the repairer, which reads the log. Membership rides in the publications: the hub takes a
user's listeners off a channel at the very offset that says so.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import Protocol

from chat_gateway.realtime.channel import MAX_HELD, Channel, Listener
from chat_gateway.realtime.ports import Application, Bus, Gained, Lost
from chat_gateway.realtime.publication import Batch, Position, Publication


class Repairs(Protocol):
    """What the hub asks for: synchronous, answered later through `Hub.repaired` and `Hub.compare`."""

    def missing(self, channel: str) -> None:
        """A hole is open: read the log if it is still open in a moment."""

    def check(self, channels: Collection[str]) -> None:
        """Compare heads and epochs of these channels now."""

    def stalled(self) -> bool:
        """Whether the process has just been stopped for so long that input is too old to be relayed."""


class Hub:
    def __init__(self, application: Application) -> None:
        self._application = application
        self._bus: Bus | None = None
        self._repairs: Repairs | None = None
        self._channels: dict[str, Channel] = {}
        self._users: dict[str, dict[Listener, None]] = {}

    def carried_by(self, bus: Bus) -> None:
        self._bus = bus

    def repaired_by(self, repairs: Repairs) -> None:
        self._repairs = repairs

    def channels(self) -> list[str]:
        return list(self._channels)

    def enter(self, listener: Listener) -> None:
        """Make the listener findable by its user."""
        self._users.setdefault(listener.user_id, {})[listener] = None

    def leave(self, listener: Listener, channels: Iterable[str]) -> None:
        """Take the listener off all its channels and out of the hub."""
        for name in channels:
            self.detach(listener, name)
        listeners = self._users.get(listener.user_id, {})
        listeners.pop(listener, None)
        if not listeners:
            self._users.pop(listener.user_id, None)

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
            if self._bus is not None:
                self._bus.unsubscribe(name)

    def covers(self, listener: Listener, name: str, head: Position) -> bool:
        """Whether the listener's snapshot and its buffer leave no gap; if not, its snapshot must be read again."""
        channel = self._channels[name]
        if channel.epoch is not None and channel.epoch != head.epoch:
            self._renew(channel, head)
        return channel.covers(listener, head.offset)

    def settle(self, listener: Listener, name: str, head: Position) -> None:
        """End the joining: deliver what passed since the snapshot, then let the listener live.

        To be called after `covers` said yes and the snapshot's reply was queued, with no await in between.
        """
        channel = self._channels[name]
        due = channel.learn(head)
        self._deliver_all(channel, due)
        for publication in channel.settle(listener, head.offset):
            listener.put(listener.wrap(listener.codec.publication(name, publication)))
            if publication.kind in self._application.membership_kinds and self._apply_to(
                listener, channel, publication
            ):
                break  # nothing that stands above the loss may be written
        self._watch(channel)

    def received(self, batch: Batch) -> None:
        """Take a batch, from the bus or of our own commit."""
        channel = self._channels.get(batch.channel)
        if channel is None:
            return
        if self._stalled():
            return
        if channel.epoch is not None and channel.epoch != batch.epoch:
            # an old batch still on its way, or a restored log: only the log itself can tell
            if self._repairs is not None:
                self._repairs.check([batch.channel])
            return
        self._pass(channel, batch.publications, batch.epoch)

    def repaired(self, name: str, publications: Iterable[Publication], epoch: str) -> None:
        """Take what was read for a hole of this epoch, unless the log has become another one meanwhile."""
        channel = self._channels.get(name)
        if channel is not None and channel.epoch == epoch and not self._stalled():
            self._pass(channel, publications, epoch)

    def compare(self, name: str, head: Position) -> None:
        """Take a head as the log has it: start from it, see a hole by it, or see that the log is another one."""
        channel = self._channels.get(name)
        if channel is None or channel.epoch is None:
            return  # its first listener is still reading, and learns the position from its own snapshot
        if channel.epoch != head.epoch:
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
            frame: bytes | None = None
            for listener in group:
                if frame is None:
                    frame = listener.wrap(listener.codec.publication(channel.name, publication))
                listener.put(frame)
        for buffer in channel.joining.values():
            if len(buffer) < MAX_HELD:
                buffer.append(publication)
        for listener in channel.arrive(publication.offset) if channel.waiting else ():
            channel.live.setdefault(listener.variant, {})[listener] = None
        if publication.kind in self._application.membership_kinds:
            self._apply(channel, publication)

    def _apply(self, channel: Channel, publication: Publication) -> None:
        match self._application.effect(publication):
            case Lost(user):
                # for one that is joining, `settle` applies what stands above its snapshot
                for listener in list(self._users.get(user, ())):
                    self._lose(listener, channel)
            case Gained(gained):
                for listener in [one for group in channel.live.values() for one in group]:
                    listener.gains(gained)
            case None:
                pass

    def _apply_to(self, listener: Listener, channel: Channel, publication: Publication) -> bool:
        """Apply to one listener what passed while it was joining; whether it has lost the channel by it."""
        match self._application.effect(publication):
            case Lost(user) if user == listener.user_id:
                self._lose(listener, channel)
                return True
            case Gained(gained):
                listener.gains(gained)
            case _:
                pass
        return False

    def _lose(self, listener: Listener, channel: Channel) -> None:
        # one that waits has a snapshot above this offset: it knew of the loss, and of what came after it
        if any(listener in group for group in channel.live.values()):
            self.detach(listener, channel.name)
            listener.loses(channel.name)

    def _renew(self, channel: Channel, head: Position) -> None:
        """Begin again in another epoch: listeners of the old one are told, those joining read their snapshot again."""
        channel.forget()
        channel.learn(head)
        for buffer in channel.joining.values():
            buffer.clear()
        for listener in [one for group in channel.live.values() for one in group] + list(channel.waiting):
            listener.outdated(channel.name)
