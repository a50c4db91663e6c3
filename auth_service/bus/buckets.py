"""What the throttle counts in its buckets, step by step: each is one question to counters, shared or of this process.

An attempt counts when it is admitted, so that guesses sent all at once do not pass together. A refused one counts for
nothing: it learned nothing, and nobody's wait gets longer by it.
"""

import asyncio
from typing import Literal, NamedTuple

from auth_service.bus.counters import Counters
from auth_service.core.throttle import (
    ADDRESS_FAILURES,
    FREE_FAILURES,
    REMEMBERED_SECONDS,
    SUCCESSES,
    Attempt,
    Buckets,
    Limit,
    wait_after,
)

Reason = Literal["account", "address", "successes", "registrations", "edits"]


class Refusal(NamedTuple):
    by: Reason
    seconds: float
    is_first: bool
    """Of this wait: worth a line in the log."""


async def admit(counters: Counters, buckets: Buckets) -> Attempt | Refusal:
    # The address first and alone: what is refused for it must not touch the account of somebody else.
    refusal = None if buckets.address is None else await admit_address(counters, buckets.address)
    if refusal is not None:
        return refusal
    answer = await _admit_account(counters, buckets)
    if isinstance(answer, Refusal) and buckets.address is not None:
        await take_back_address(counters, buckets.address)
    return answer


async def admit_address(counters: Counters, address: str) -> Refusal | None:
    if await counters.add(address, seconds=ADDRESS_FAILURES.seconds) <= ADDRESS_FAILURES.most:
        return None
    seconds, told, _ = await asyncio.gather(
        counters.remaining(address),
        counters.add(f"{address}:told", seconds=ADDRESS_FAILURES.seconds),
        take_back_address(counters, address),
    )
    return Refusal("address", seconds, is_first=told == 1)


async def succeed(counters: Counters, attempt: Attempt) -> None:
    buckets = attempt.buckets
    await asyncio.gather(
        counters.clear(*_keys(buckets.account)), counters.add(buckets.successes, seconds=SUCCESSES.seconds)
    )
    # One and not all: an account of one's own must not buy guesses at others'.
    if buckets.address is not None:
        await take_back_address(counters, buckets.address)


async def withdraw(counters: Counters, attempt: Attempt) -> None:
    free, wait, waits = _keys(attempt.buckets.account)
    # What others counted stays.
    await _take_back(counters, free, REMEMBERED_SECONDS)
    if attempt.begins_wait:
        await asyncio.gather(counters.clear(wait), _take_back(counters, waits, REMEMBERED_SECONDS))
    if attempt.buckets.address is not None:
        await take_back_address(counters, attempt.buckets.address)


async def count(counters: Counters, name: str, limit: Limit, by: Reason) -> Refusal | None:
    """What is never taken back."""
    counted = await counters.add(name, seconds=limit.seconds)
    if counted <= limit.most:
        return None
    return Refusal(by, await counters.remaining(name), is_first=counted == limit.most + 1)


async def take_back_address(counters: Counters, address: str) -> None:
    await _take_back(counters, address, ADDRESS_FAILURES.seconds)


async def _take_back(counters: Counters, key: str, seconds: int) -> None:
    # A counter whose life ended meanwhile would begin the next below zero.
    if await counters.value(key) > 0:
        await counters.add(key, seconds=seconds, amount=-1)


async def _admit_account(counters: Counters, buckets: Buckets) -> Attempt | Refusal:
    free, wait, waits = _keys(buckets.account)
    tries, waited, succeeded = await asyncio.gather(
        counters.add(free, seconds=REMEMBERED_SECONDS), counters.value(waits), counters.value(buckets.successes)
    )
    if succeeded >= SUCCESSES.most:
        await _take_back(counters, free, REMEMBERED_SECONDS)
        return await count(counters, buckets.successes, SUCCESSES, "successes") or Attempt(buckets)
    if tries < FREE_FAILURES:
        return Attempt(buckets)
    # The last free one, and each that is admitted after it, begins the wait before the next. Of any number at once one
    # begins it; whoever comes while it lasts is refused.
    asked = await counters.add(wait, seconds=wait_after(FREE_FAILURES + waited))
    if asked == 1:
        await counters.add(waits, seconds=REMEMBERED_SECONDS)
        return Attempt(buckets, begins_wait=True)
    return Refusal("account", await counters.remaining(wait), is_first=asked == 2)  # noqa: PLR2004 -- one began it


def _keys(account: str) -> tuple[str, str, str]:
    """Of the free attempts, of the wait that lasts, of how many waits there were."""
    return f"{account}:free", f"{account}:wait", f"{account}:waits"
