"""One read for all who ask at the same time: a storm of connects costs the database a few statements, not thousands.

Self-clocked as the group commit is: whoever comes while a read is on its way is served by the next one, so an answer
was always read after it was asked for, and one who comes alone waits for nobody. There is no task behind it: the first
to ask reads for all, and a reader that is cancelled leaves the others to the next.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class _Waiting(Generic[K, V]):
    """`turn` ends with True where its owner has to read, with False where `found` is there."""

    __slots__ = ("found", "key", "turn")

    found: V

    def __init__(self, key: K) -> None:
        self.key = key
        self.turn: asyncio.Future[bool] = asyncio.get_running_loop().create_future()


class SharedRead(Generic[K, V]):
    """`read` answers for each of at most `most` keys; what it raises is raised by all who waited for it."""

    def __init__(self, read: Callable[[Sequence[K]], Awaitable[Mapping[K, V]]], *, most: int = 64) -> None:
        self._read = read
        self._most = most
        self._waiting: deque[_Waiting[K, V]] = deque()
        self._is_reading = False

    async def of(self, key: K) -> V:
        """Answer what is read of this key from now on."""
        if self._is_reading:
            own = _Waiting[K, V](key)
            self._waiting.append(own)
            if not await self._turn_of(own):
                return own.found
        self._is_reading = True
        try:
            return await self._read_for(key, self._others())
        finally:
            self._pass_on()

    def _others(self) -> list[_Waiting[K, V]]:
        """Take those off the queue who share the next read; some of them may have left."""
        others: list[_Waiting[K, V]] = []
        while self._waiting and len(others) < self._most - 1:
            following = self._waiting.popleft()
            if not following.turn.done():
                others.append(following)
        return others

    async def _turn_of(self, own: _Waiting[K, V]) -> bool:
        try:
            return await own.turn
        except asyncio.CancelledError:
            if own.turn.done() and not own.turn.cancelled() and not own.turn.exception() and own.turn.result():
                self._pass_on()  # it was ours to read for the others
            raise

    async def _read_for(self, key: K, others: Sequence[_Waiting[K, V]]) -> V:
        try:
            found = await self._read(list(dict.fromkeys((key, *(one.key for one in others)))))
        except asyncio.CancelledError:
            self._waiting.extendleft(reversed(others))
            raise
        except Exception as error:
            for one in others:
                if not one.turn.done():
                    one.turn.set_exception(error)
            raise
        for one in others:
            if not one.turn.done():
                one.found = found[one.key]
                one.turn.set_result(False)
        return found[key]

    def _pass_on(self) -> None:
        """Let the one that waits longest read, for itself and for those behind it."""
        self._is_reading = False
        while self._waiting and not self._is_reading:
            following = self._waiting.popleft()
            if not following.turn.done():
                following.turn.set_result(True)
                self._is_reading = True
