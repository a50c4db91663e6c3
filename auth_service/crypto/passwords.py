"""Argon2id off the event loop, bounded: one hash per core and four at most at a time, a short queue, then a refusal.

An attacker who sends log-ins faster than we hash meets `busy`, not a process out of memory. Without a stored hash
the same work is done against a dummy, so that an unknown address costs what a wrong password costs.
"""

import asyncio
import os
import secrets
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from prometheus_client import Gauge

from auth_service.core import errors
from auth_service.crypto import common_passwords

HASHES = Gauge("parley_auth_hashes", "Password hashes that run or wait for their turn.")

QUEUE = 32
MOST_WORKERS = 4
"""Each takes 64 MiB while it hashes. A container sees all cores of its machine, whose memory it has not got."""
MEMORY_KIB = 65536
_RETRY_SECONDS = 2.0

T = TypeVar("T")


class ArgonPasswords:
    """The `Passwords` port. `close` waits for hashes that run."""

    def __init__(
        self, *, workers: int | None = None, queue: int = QUEUE, memory_kib: int = MEMORY_KIB, time_cost: int = 3
    ) -> None:
        workers = workers or min(_cores(), MOST_WORKERS)
        self._hasher = PasswordHasher(time_cost=time_cost, memory_cost=memory_kib, parallelism=4)
        self._dummy = self._hasher.hash(secrets.token_hex())
        self._executor = ThreadPoolExecutor(workers, thread_name_prefix="argon2")
        self._places = threading.BoundedSemaphore(workers + queue)

    async def hash(self, password: str) -> str:
        return await self._run(lambda: self._hasher.hash(password))

    async def verify(self, stored: str | None, password: str) -> bool:
        is_right = await self._run(lambda: self._verify(stored or self._dummy, password))
        return is_right and stored is not None

    def is_outdated(self, stored: str) -> bool:
        return self._hasher.check_needs_rehash(stored)

    def is_common(self, password: str) -> bool:
        return common_passwords.is_common(password)

    def close(self) -> None:
        self._executor.shutdown(cancel_futures=True)

    def _verify(self, stored: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored, password)
        except (VerificationError, InvalidHashError):
            return False

    async def _run(self, work: Callable[[], T]) -> T:
        if not self._places.acquire(blocking=False):
            raise errors.busy(_RETRY_SECONDS)
        HASHES.inc()
        job = self._executor.submit(work)
        # By the job and not by the caller: one who gives up leaves a hash running, and its place taken.
        job.add_done_callback(self._leave)
        return await asyncio.wrap_future(job)

    def _leave(self, _job: Future[T]) -> None:
        HASHES.dec()
        self._places.release()


def _cores() -> int:
    """Those this process may run on; not every system tells."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
