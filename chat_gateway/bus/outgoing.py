"""What waits to be sent to Redis: bounded in bytes, never awaited by who fills it.

An overflow drops the new message. That loses time and no message: the heads that every gateway compares show the hole.
"""

import asyncio
from collections import deque
from typing import NamedTuple

from prometheus_client import Counter

DROPPED = Counter("parley_bus_dropped", "Bus messages given up before they were sent.", ["reason"])


class Message(NamedTuple):
    """`heard_by` is told how many heard the message; it is cancelled where nobody will ever know.

    Whoever waits for it takes the message back by cancelling it, if it is not on its way yet.
    """

    channel: str
    data: bytes
    heard_by: asyncio.Future[int] | None = None


class Outgoing:
    def __init__(self, limit_bytes: int) -> None:
        self._limit = limit_bytes
        self._queue: deque[Message] = deque()
        self._bytes = 0
        self._filled = asyncio.Event()

    def put(self, message: Message) -> None:
        if self._bytes + _size(message) > self._limit:
            DROPPED.labels("overflow").inc()
            give_up(message)
            return
        self._queue.append(message)
        self._added(message)

    def put_first(self, message: Message) -> None:
        """Queue ahead of everything and beyond the bound: for the few beats of a link, never for traffic."""
        self._queue.appendleft(message)
        self._added(message)

    def clear(self) -> None:
        DROPPED.labels("link_down").inc(len(self._queue))
        for message in self._queue:
            give_up(message)
        self._queue.clear()
        self._bytes = 0
        self._filled.clear()

    async def take(self, limit_bytes: int) -> list[Message]:
        """Wait for messages and take all there are, up to about the limit. Cancelling takes none."""
        await self._filled.wait()
        taken: list[Message] = []
        size = 0
        while self._queue and size < limit_bytes:
            message = self._queue.popleft()
            size += _size(message)
            if message.heard_by is None or not message.heard_by.cancelled():
                taken.append(message)
        self._bytes -= size
        if not self._queue:
            self._filled.clear()
        return taken

    def _added(self, message: Message) -> None:
        self._bytes += _size(message)
        self._filled.set()


def give_up(message: Message) -> None:
    """Tell whoever waits that nobody will ever know how many heard it."""
    if message.heard_by is not None:
        message.heard_by.cancel()


def _size(message: Message) -> int:
    # Many small messages must not hide behind their payload: the objects around it weigh as well.
    return len(message.data) + len(message.channel) + 128
