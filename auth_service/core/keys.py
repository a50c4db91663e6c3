"""Signing keys as rows all instances share: which one signs, when the next is made, when the last may go.

A key is published long before it signs, so that every verifier has it by then, and stays published until the last token
it signed is dead. All times are the database's: instances agree whatever their own clocks say.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from auth_service.core.claims import ACCESS_SECONDS

ROTATION = timedelta(days=30)
AHEAD = timedelta(hours=24)
_GATEWAY_GRACE = timedelta(seconds=25)
KEPT = timedelta(seconds=ACCESS_SECONDS) + _GATEWAY_GRACE + timedelta(hours=1)
"""After it signed for the last time: a token's life, what gateways give a connection beyond it, and an hour more."""

State = Literal["next", "signing", "verifying"]


class UnreadableKey(Exception):
    """The settings cannot decrypt a private key; the text says what to set."""


@dataclass(frozen=True, slots=True)
class KeyRow:
    """`private_key` is encrypted by the settings' key `wrapped_by`, in the clear where that is None (a demo)."""

    id: str
    generation: int
    private_key: bytes
    wrapped_by: str | None
    signs_from: datetime


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done now: a next key that signs from then on, and which keys nobody needs any more."""

    next_signs_from: datetime | None
    retired: tuple[KeyRow, ...]

    @property
    def is_empty(self) -> bool:
        return self.next_signs_from is None and not self.retired


def signing(keys: Sequence[KeyRow], now: datetime) -> KeyRow:
    """The key that signs now: the last one to begin; the first one ever, if the clock was set back before them all."""
    begun = [key for key in keys if key.signs_from <= now]
    return max(begun, key=_order) if begun else min(keys, key=_order)


def plan(keys: Sequence[KeyRow], now: datetime) -> Plan:
    return Plan(_next_signs_from(keys, now), tuple(key for key in keys if _is_retired(key, keys, now)))


def state(key: KeyRow, keys: Sequence[KeyRow], now: datetime) -> State:
    if key.id == signing(keys, now).id:
        return "signing"
    return "next" if key.signs_from > now else "verifying"


def next_generation(keys: Sequence[KeyRow]) -> int:
    return max((key.generation for key in keys), default=0) + 1


def _next_signs_from(keys: Sequence[KeyRow], now: datetime) -> datetime | None:
    if not keys:
        return now
    due = max(keys, key=_order).signs_from + ROTATION - AHEAD
    # An overdue one is published ahead all the same: a verifier that does not have it yet would refuse its tokens.
    return now + AHEAD if now >= due else None


def _is_retired(key: KeyRow, keys: Sequence[KeyRow], now: datetime) -> bool:
    return any(_order(other) > _order(key) and other.signs_from <= now - KEPT for other in keys)


def _order(key: KeyRow) -> tuple[datetime, int]:
    return key.signs_from, key.generation
