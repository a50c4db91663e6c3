"""What waits to be committed: in the order of calls, bounded by count and by bytes of content.

A change that does not fit is not taken, so that a database that is away costs refusals and no memory.
"""

import asyncio
import sys
from collections import deque
from collections.abc import Iterator

import msgspec

from chat_gateway.core.changes import Applied, Change, Edit, Post


class Waiting(msgspec.Struct, frozen=True, eq=False):
    change: Change
    answer: asyncio.Future[Applied]
    since: float


class CommitQueue:
    def __init__(self, *, most: int, most_bytes: int) -> None:
        self._most = most
        self._most_bytes = most_bytes
        self._bytes = 0
        self._waiting: deque[Waiting] = deque()

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, waiting: Waiting) -> bool:
        """Take it in, if it fits."""
        size = _size(waiting.change)
        if len(self._waiting) >= self._most or self._bytes + size > self._most_bytes:
            return False
        self._bytes += size
        self._waiting.append(waiting)
        return True

    def take(self) -> Waiting:
        waiting = self._waiting.popleft()
        self._bytes -= _size(waiting.change)
        return waiting

    def take_batch(self, limit: int) -> list[Waiting]:
        """Take the leading run of posts, or one other change: the order of calls is kept."""
        batch: list[Waiting] = []
        while self._waiting and len(batch) < limit:
            is_post = isinstance(self._waiting[0].change, Post)
            if not is_post and batch:
                break
            batch.append(self.take())
            if not is_post:
                break
        return batch

    def take_older(self, than: float) -> Iterator[Waiting]:
        """Take those who wait since before that time."""
        while self._waiting and self._waiting[0].since < than:
            yield self.take()

    def take_all(self) -> list[Waiting]:
        return [self.take() for _ in range(len(self._waiting))]


def _size(change: Change) -> int:
    """Tell the memory its text takes: only that can be large."""
    match change:
        case Post():
            return sys.getsizeof(change.content)
        case Edit():
            return sys.getsizeof(change.body)
        case _:
            return 0
