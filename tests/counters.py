"""Reads what a limit's counter shows, and how much it moved within a block."""

from collections.abc import Iterator
from contextlib import contextmanager

from chat_gateway.realtime.refusals import REFUSED, Reason


def counted(reason: Reason) -> float:
    return REFUSED.labels(reason.value)._value.get()


@contextmanager
def counting(reason: Reason, times: int) -> Iterator[None]:
    """Expect the counter to move by this much."""
    before = counted(reason)
    yield
    assert counted(reason) - before == times, reason
