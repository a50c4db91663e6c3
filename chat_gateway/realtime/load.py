"""Admission by load, not by rate: whether this instance can take one more client now, and whose connect has its turn.

What counts is the work in progress and how late the event loop is. A connect is work from its command to its reply. An
upgrade costs nothing and is refused early, with a moment drawn by lot to come back, so that a storm of reconnects
spreads. Who was let in before waits for a turn, but not until its client has given up.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from prometheus_client import Gauge

from chat_gateway.realtime.limits import Limits
from chat_gateway.realtime.refusals import Reason, refused
from shared.errors import Unavailable

SOCKETS = Gauge("parley_sockets", "Client connections of this instance.")
IN_PROGRESS = Gauge("parley_connects_in_progress", "Connect commands that are not answered yet.")
LAG = Gauge("parley_loop_lag_seconds", "How late the event loop was with its last timer.")

_MEASURE_SECONDS = 0.1
_FIRST_RETRY_SECONDS, _RETRY_SPREAD_SECONDS = 1, 5


class Load:
    """`sockets` counts the connections there are, `random` gives a number in [0, 1)."""

    def __init__(
        self,
        limits: Limits,
        *,
        monotonic: Callable[[], float],
        random: Callable[[], float],
        sockets: Callable[[], int],
    ) -> None:
        self._limits = limits
        self._monotonic = monotonic
        self._random = random
        self._sockets = sockets
        self._turns = asyncio.Semaphore(limits.connects_in_progress)
        self._last_lag = 0.0
        self._due = float("inf")
        self.in_progress = 0

    def lag(self) -> float:
        """How late the loop was last, or is by now."""
        return max(self._last_lag, self._monotonic() - self._due)

    def admit(self) -> None:
        """Let one more connection in. Raises Unavailable `overloaded`, with 1 to 5 s to wait."""
        if self.lag() > self._limits.loop_lag_seconds:
            raise self._overloaded(Reason.LOOP_LAG)
        if self.in_progress >= self._limits.connects_in_progress:
            raise self._overloaded(Reason.CONNECTS_IN_PROGRESS)

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for one's turn to connect, and hold it. Raises Unavailable where that took too long."""
        came_at = self._monotonic()
        self.in_progress += 1
        try:
            async with self._turns_within(came_at):
                yield
        finally:
            self.in_progress -= 1

    async def run(self) -> None:
        """Measure, until cancelled."""
        while True:
            self._due = self._monotonic() + _MEASURE_SECONDS
            await asyncio.sleep(_MEASURE_SECONDS)
            self._last_lag = max(self._monotonic() - self._due, 0.0)
            LAG.set(self._last_lag)
            IN_PROGRESS.set(self.in_progress)
            SOCKETS.set(self._sockets())

    @asynccontextmanager
    async def _turns_within(self, came_at: float) -> AsyncIterator[None]:
        limit = self._limits.connect_wait_seconds
        try:
            async with asyncio.timeout(limit):
                await self._turns.acquire()
        except TimeoutError as error:
            raise self._waited() from error
        try:
            if self._monotonic() - came_at > limit:
                raise self._waited()
            yield
        finally:
            self._turns.release()

    def _waited(self) -> Unavailable:
        refused(Reason.CONNECT_WAITED)
        return Unavailable("unavailable", "The server is busy. Connect again in a moment.")

    def _overloaded(self, reason: Reason) -> Unavailable:
        refused(reason)
        seconds = _FIRST_RETRY_SECONDS + int(self._random() * _RETRY_SPREAD_SECONDS)
        return Unavailable("overloaded", f"The server is busy. Connect again in {seconds} s.", retry_after=seconds)
