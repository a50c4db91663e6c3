"""Token buckets: how often somebody may do something, and how many times at once.

A bucket is one number, the moment from which it will be full again. So taking from it is a few arithmetic operations,
and a bucket that is full is one nobody has to remember.
"""

import math
from collections.abc import Hashable

import msgspec

from shared.errors import RateLimited

_GRAIN_SECONDS = 1e-6
"""Sums of fractions are not exact: what is due within this is due."""

MOST = 100_000
"""Of a generation: about 11 MiB where a key is a number, whatever was asked for."""


class Rate(msgspec.Struct, frozen=True):
    """So many a minute in the long run, and up to `burst` at once."""

    per_minute: float
    burst: int

    @property
    def refill_seconds(self) -> float:
        """The time in which any bucket of this rate is full again."""
        return self.burst * 60 / self.per_minute

    def take(self, full_at: float, now: float) -> float:
        """Take one from a bucket whose state is `full_at`, 0 for a full one; answers its new state.

        Raises RateLimited, with the whole seconds after which there is one again.
        """
        each = 60 / self.per_minute
        wait = full_at - now - each * (self.burst - 1)
        if wait > _GRAIN_SECONDS:
            seconds = math.ceil(wait)
            raise RateLimited("rate_limited", f"That was too often. Try again in {seconds} s.", retry_after=seconds)
        return max(full_at, now) + each


class Buckets:
    """A bucket for each key. `most` bounds the table; beyond it those not used for the longest time count as full.

    Two generations: what is touched moves to the new one. When the time of a refill has passed, all that is left in the
    old one is full and is dropped at once, without a look at any. After twice that time so is the new one.
    """

    def __init__(self, rate: Rate, *, most: int = MOST) -> None:
        self.rate = rate
        self._most = most
        self._new: dict[Hashable, float] = {}
        self._old: dict[Hashable, float] = {}
        self._turn_at = 0.0

    def __len__(self) -> int:
        return len(self._new.keys() | self._old.keys())

    def take(self, key: Hashable, now: float) -> None:
        """Take one from the key's bucket. Raises RateLimited as the rate does."""
        self.forget(now)
        if len(self._new) >= self._most:
            self._turn(now)
        full_at = self._new.get(key) or self._old.get(key, 0.0)
        self._new[key] = self.rate.take(full_at, now)

    def forget(self, now: float) -> None:
        """Drop what is full by now. To be called now and then where nobody takes, or a flood of keys stays."""
        if now >= self._turn_at + self.rate.refill_seconds:
            self._new = {}
        if now >= self._turn_at:
            self._turn(now)

    def _turn(self, now: float) -> None:
        self._old, self._new = self._new, {}
        self._turn_at = now + self.rate.refill_seconds
