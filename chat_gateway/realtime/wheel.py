"""One timer for everything that is due to the second: pings, pongs, expiries, deadlines.

A call_later a socket would cost a heap entry and an object each; a wheel costs a list append. Precision is one second,
late rather than early. A callback must not raise; one whose object has ended meanwhile has to notice that itself.
"""

import asyncio
import math
from collections import defaultdict
from collections.abc import Callable

import structlog

_log = structlog.get_logger(__name__)


class Wheel:
    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._slots: defaultdict[int, list[Callable[[], None]]] = defaultdict(list)
        self._done = int(monotonic())

    def after(self, seconds: float, call: Callable[[], None]) -> None:
        """Call back once, at least `seconds` from now and less than a second later while the loop is not busy."""
        self._slots[max(math.ceil(self._monotonic() + seconds), self._done + 1)].append(call)

    def turn(self) -> None:
        """Run what is due by now, oldest first."""
        now = int(self._monotonic())
        for second in range(self._done + 1, now + 1):
            self._done = second
            for call in self._slots.pop(second, ()):
                try:
                    call()
                except Exception:  # noqa: BLE001 - one session's fault must not stop everybody's timers
                    _log.exception("wheel.callback_failed")

    async def run(self) -> None:
        while True:
            now = self._monotonic()
            await asyncio.sleep(math.floor(now) + 1 - now)
            self.turn()
