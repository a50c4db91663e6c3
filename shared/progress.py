"""How far something long has come, told on stderr: once a second, and at the end of each part."""

import sys
import time
from collections.abc import Callable

_PAUSE_SECONDS = 1.0


class Progress:
    """Call it with the part's name, and how many of how many rows are done."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._told_at = float("-inf")

    def __call__(self, part: str, done: int, total: int) -> None:
        now = self._clock()
        if done >= total or now - self._told_at >= _PAUSE_SECONDS:
            self._told_at = now
            sys.stderr.write(f"{part}: {done:,} of {total:,} rows\n")
