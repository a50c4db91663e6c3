"""The throttle of guesses, counted in Redis for all instances together, in process while Redis does not answer.

It is never open and never hangs: Redis has 100 ms, and after three failures in a row it is left alone for five seconds.
Few ask at once and few wait for that: whoever comes beyond them is told to come again.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog
from prometheus_client import Counter

from auth_service.bus import buckets
from auth_service.bus.breaker import Breaker
from auth_service.bus.buckets import Refusal
from auth_service.bus.counters import ERRORS, Counters, LocalCounters, RedisCounters
from auth_service.core import errors
from auth_service.core.callers import Caller
from auth_service.core.throttle import EDITS, REGISTRATIONS, Attempt, BucketNames
from auth_service.core.users import UserId

DECISIONS = Counter("parley_auth_throttle_decisions", "Attempts by what the throttle said of them.", ["decision"])
SKIPPED = Counter(
    "parley_auth_throttle_address_skipped", "Attempts whose address is a trusted proxy's own, or not known."
)
BUSY = Counter("parley_auth_throttle_busy", "Attempts refused because too many waited for the throttle.")
IN_PROCESS = Counter("parley_auth_throttle_in_process", "Questions answered in process: Redis did not answer in time.")

MOST_WAITING = 256
_QUESTIONS_AT_ONCE = 8
_RETRY_SECONDS = 2.0
_LEAST_WAIT_SECONDS = 0.1

T = TypeVar("T")


class RedisThrottle:
    """The `Throttle` port."""

    def __init__(
        self,
        redis_url: str,
        names: BucketNames,
        *,
        redis_seconds: float = 0.1,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._names, self._redis_seconds = names, redis_seconds
        self._shared: Counters = RedisCounters(redis_url)
        self._local: Counters = LocalCounters(clock)
        self._breaker = Breaker(clock=clock)
        self._turns = asyncio.Semaphore(_QUESTIONS_AT_ONCE)
        self._admitting = 0

    async def admit(self, account: str, caller: Caller, *, is_known_device: bool) -> Attempt:
        names = self._names.of(account, caller, is_known_device=is_known_device)
        if names.address is None and not is_known_device:
            SKIPPED.inc()
        return _decided(await self._admit(lambda counters: buckets.admit(counters, names)), caller.network)

    async def succeed(self, attempt: Attempt) -> None:
        await self._ask(lambda counters: buckets.succeed(counters, attempt))

    async def withdraw(self, attempt: Attempt) -> None:
        await self._ask(lambda counters: buckets.withdraw(counters, attempt))

    async def admit_address(self, caller: Caller) -> None:
        address = self._names.of_address(caller)
        if address is None:
            SKIPPED.inc()
            return
        _decided(await self._admit(lambda counters: buckets.admit_address(counters, address)), caller.network)

    async def succeed_address(self, caller: Caller) -> None:
        address = self._names.of_address(caller)
        if address is not None:
            await self._ask(lambda counters: buckets.take_back_address(counters, address))

    async def admit_registration(self, caller: Caller) -> None:
        name = self._names.of_registrations(caller)
        if name is None:
            SKIPPED.inc()
            return
        answer = await self._admit(lambda counters: buckets.count(counters, name, REGISTRATIONS, "registrations"))
        _decided(answer, caller.network)

    async def admit_edit(self, user: UserId) -> None:
        name = self._names.of_edits(user)
        _decided(await self._admit(lambda counters: buckets.count(counters, name, EDITS, "edits")), "")

    async def close(self) -> None:
        await self._shared.close()

    async def _admit(self, question: Callable[[Counters], Awaitable[T]]) -> T:
        """Raises Unavailable. What becomes of an attempt is always heard: of those no more come than were admitted."""
        if self._admitting >= MOST_WAITING:
            BUSY.inc()
            raise errors.busy(_RETRY_SECONDS)
        self._admitting += 1
        try:
            return await self._ask(question)
        finally:
            self._admitting -= 1

    async def _ask(self, question: Callable[[Counters], Awaitable[T]]) -> T:
        # A hundred at once would wait for a hundred connections until the time is over, and count in process for it.
        async with self._turns:
            if self._breaker.lets_through():
                try:
                    async with asyncio.timeout(self._redis_seconds):
                        answer = await question(self._shared)
                except ERRORS as error:
                    if self._breaker.failed():
                        structlog.get_logger(__name__).warning("throttle.in_process", error=type(error).__name__)
                else:
                    if self._breaker.worked():
                        structlog.get_logger(__name__).info("throttle.shared")
                    if not isinstance(answer, Refusal):
                        # Noted here too: whoever cuts Redis off must not begin anew in process.
                        await question(self._local)
                    return answer
        IN_PROCESS.inc()
        return await question(self._local)


def _decided(answer: T | Refusal, network: str) -> T:
    """What was admitted. Raises RateLimited."""
    if not isinstance(answer, Refusal):
        DECISIONS.labels("admitted").inc()
        return answer
    DECISIONS.labels(answer.by).inc()
    if answer.is_first:
        # One line for each wait: a log that grows by every refused guess is one a stranger can fill.
        structlog.get_logger(__name__).warning(
            "throttle.refused", by=answer.by, seconds=round(answer.seconds, 1), network=network
        )
    raise errors.too_many_attempts(max(answer.seconds, _LEAST_WAIT_SECONDS))
