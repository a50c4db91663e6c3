"""What waits to be written: one bounded outbox a connection, flushed once a loop tick for all.

Fan-out only appends. At the end of the tick each connection that got something makes one system call. While the kernel
takes no more, bytes stay here, up to a limit each and a budget for the instance; above either the connection is given
up, since its client recovers from the log and the others must not pay for it.
"""

import asyncio
from collections.abc import Callable

import msgspec

from chat_gateway.realtime.link import Link


class OutboxLimits(msgspec.Struct, frozen=True, kw_only=True):
    per_connection_bytes: int = 256 * 1024
    instance_bytes: int = 256 * 1024 * 1024


class Outbox:
    __slots__ = ("_flusher", "_frames", "_link", "_overflowed", "blocked", "bound", "jams", "size")

    def __init__(self, link: Link, flusher: "Flusher", overflowed: Callable[[], None]) -> None:
        self._link = link
        self._flusher = flusher
        self._overflowed = overflowed
        self._frames: list[bytes] = []
        self.size = 0
        self.blocked = False
        self.jams = 0
        self.bound = flusher.limits.per_connection_bytes

    def put(self, frame: bytes) -> None:
        if self.blocked or not self._frames:
            self._flusher.due(self)
        self._frames.append(frame)
        self.size += len(frame)

    def put_uncounted(self, frame: bytes) -> None:
        """Queue a reply whose size is bounded elsewhere (a recovery): it does not count against the limit."""
        self.bound = max(self.bound, self.size + len(frame) + self._flusher.limits.per_connection_bytes)
        self.put(frame)

    def flush(self) -> None:
        if self.blocked or not self._frames:
            return
        data = self._frames[0] if len(self._frames) == 1 else b"".join(self._frames)
        self._frames.clear()
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

    def give_up(self) -> None:
        self._frames.clear()
        self.size = 0
        self._overflowed()

    def discard(self) -> None:
        self._frames.clear()
        self.size = 0
        self._flusher.unblocked(self)


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
        """Give up what is over its own limit, then the largest while all together are over the budget."""
        for outbox in [slow for slow in self._slow if slow.size > slow.bound]:
            del self._slow[outbox]
            outbox.give_up()
        held = {outbox: outbox.held() for outbox in self._slow}
        total = sum(held.values())
        while total > self.limits.instance_bytes:
            largest = max(held, key=held.__getitem__)
            total -= held.pop(largest)
            del self._slow[largest]
            largest.give_up()
