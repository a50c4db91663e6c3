"""What waits to be written: one bounded outbox a connection, flushed once a loop tick for all.

Fan-out only appends. At the end of the tick each connection that got something makes one system call. While the kernel
takes no more, bytes stay here, up to a limit each and a budget for the instance. Above either, ephemerals are dropped,
which nobody counts on; if that does not help, the connection is given up, since its client recovers from the log and
the others must not pay for it.
"""

import asyncio
from collections.abc import Callable

import msgspec

from chat_gateway.realtime.link import Link

MAX_MERGED = 16
MAX_MERGED_BYTES = 16 * 1024
"""What may share a frame: many small messages. A client's own limit is for what it cannot help, a single large one."""


class OutboxLimits(msgspec.Struct, frozen=True, kw_only=True):
    per_connection_bytes: int = 256 * 1024
    instance_bytes: int = 256 * 1024 * 1024


class Outbox:
    """Frames in their order. Publications come as frames, made once for many; messages to one client are framed here.

    `_frames[_open_at - 1]` is the place of the frame that the messages in `_open` will make. Whatever is put behind it
    closes it without knowing so: the lengths tell, which keeps `put` as cheap as an append.
    """

    __slots__ = (
        "_ephemeral", "_flusher", "_frames", "_link", "_open", "_open_at", "_overflowed", "blocked", "bound", "jams",
        "size",
    )  # fmt: skip

    def __init__(self, link: Link, flusher: "Flusher", overflowed: Callable[[], None]) -> None:
        self._link = link
        self._flusher = flusher
        self._overflowed = overflowed
        self._frames: list[bytes] = []
        self._open: list[bytes] = []
        self._open_at = -1
        self._ephemeral: list[int] = []
        self.size = 0
        self.blocked = False
        self.jams = 0
        self.bound = flusher.limits.per_connection_bytes

    def put(self, frame: bytes) -> None:
        if self.blocked or not self._frames:
            self._flusher.due(self)
        self._frames.append(frame)
        self.size += len(frame)

    def put_ephemeral(self, frame: bytes) -> None:
        """Queue a frame that is the first to go when there are too many."""
        self._ephemeral.append(len(self._frames))
        self.put(frame)

    def send(self, message: bytes) -> None:
        """Queue one protocol message; it shares a frame with those sent right before and after it."""
        if self._open_at != len(self._frames) or not self._fits(len(message)):
            if self._open:
                self._close_frame()
            self.put(b"")
            self._open_at = len(self._frames)
        self._open.append(message)
        self.size += len(message)

    def send_uncounted(self, message: bytes) -> None:
        """Queue a reply whose size is bounded elsewhere (a recovery): it does not count against the limit."""
        self.bound = max(self.bound, self.size + len(message) + self._flusher.limits.per_connection_bytes)
        self.send(message)

    def flush(self) -> None:
        if self.blocked or not self._frames:
            return
        if self._open:
            self._close_frame()
        data = self._frames[0] if len(self._frames) == 1 else b"".join(self._frames)
        self._frames.clear()
        if self._ephemeral:
            self._ephemeral.clear()
        self.size = 0
        self._link.write(data)

    def writable(self, on: bool) -> None:  # noqa: FBT001 - a transport's pause_writing and resume_writing
        self.blocked = not on
        if on:
            self.bound = self._flusher.limits.per_connection_bytes
            self._flusher.unblocked(self)
            self.flush()
        else:
            self.jams += 1
            self._flusher.slow(self)

    def held(self) -> int:
        """Count the bytes in user space: here, and in the transport below."""
        return self.size + self._link.buffered()

    def drop_ephemerals(self) -> int:
        """Drop what may be lost, and answer how many bytes that was."""
        if not self._ephemeral:
            return 0
        if self._open:
            self._close_frame()
        before, dropped = self.size, set(self._ephemeral)
        self._ephemeral.clear()
        self._frames = [frame for place, frame in enumerate(self._frames) if place not in dropped]
        self.size = sum(map(len, self._frames))
        return before - self.size

    def give_up(self) -> None:
        self._clear()
        self._overflowed()

    def discard(self) -> None:
        self._clear()
        self._flusher.unblocked(self)

    def _fits(self, size: int) -> bool:
        return len(self._open) < MAX_MERGED and sum(map(len, self._open)) + size <= MAX_MERGED_BYTES

    def _close_frame(self) -> None:
        self._frames[self._open_at - 1] = self._link.wrap(self._link.codec.frame(self._open))
        self._open.clear()
        self._open_at = -1

    def _clear(self) -> None:
        self._frames.clear()
        self._open.clear()
        self._open_at = -1
        self._ephemeral.clear()
        self.size = 0


class Flusher:
    """Flushes the outboxes that got something, once a tick, and keeps the instance's budget of held bytes."""

    def __init__(self, limits: OutboxLimits) -> None:
        self.limits = limits
        self._dirty: list[Outbox] = []
        self._slow: dict[Outbox, None] = {}
        self._scheduled = False

    def due(self, outbox: Outbox) -> None:
        self._dirty.append(outbox)
        if not self._scheduled:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self.flush)

    def slow(self, outbox: Outbox) -> None:
        self._slow[outbox] = None

    def unblocked(self, outbox: Outbox) -> None:
        self._slow.pop(outbox, None)

    def flush(self) -> None:
        self._scheduled = False
        dirty, self._dirty = self._dirty, []
        for outbox in dirty:
            outbox.flush()
        if self._slow:
            self._relieve()

    def _relieve(self) -> None:
        """Give up what is over its own limit, then the largest while all together are over the budget.

        Ephemerals go first, of everybody where it is the budget that is short.
        """
        for outbox in [slow for slow in self._slow if slow.size > slow.bound]:
            outbox.drop_ephemerals()
            if outbox.size > outbox.bound:
                del self._slow[outbox]
                outbox.give_up()
        held = {outbox: outbox.held() for outbox in self._slow}
        total = sum(held.values())
        if total > self.limits.instance_bytes:
            for outbox in held:
                dropped = outbox.drop_ephemerals()
                held[outbox] -= dropped
                total -= dropped
        while total > self.limits.instance_bytes:
            largest = max(held, key=held.__getitem__)
            total -= held.pop(largest)
            del self._slow[largest]
            largest.give_up()
