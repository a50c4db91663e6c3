"""A circuit breaker: after some failures in a row it lets nobody through for a while, then one to try."""

import time
from collections.abc import Callable


class Breaker:
    def __init__(
        self, *, failures: int = 3, pause_seconds: float = 5.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._most, self._pause_seconds, self._clock = failures, pause_seconds, clock
        self._failures = 0
        self._shut_until = 0.0

    def lets_through(self) -> bool:
        """Ask before each use and tell how it went."""
        if self._failures < self._most:
            return True
        now = self._clock()
        if now < self._shut_until:
            return False
        # Whoever asks first tries; the others go on without until that is known, or lost.
        self._shut_until = now + self._pause_seconds
        return True

    def worked(self) -> bool:
        """Answers whether that opened it."""
        was_shut = self._failures >= self._most
        self._failures = 0
        return was_shut

    def failed(self) -> bool:
        """Answers whether that shut it."""
        self._failures += 1
        self._shut_until = self._clock() + self._pause_seconds
        return self._failures == self._most
