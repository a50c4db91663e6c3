"""How often a user may do what costs everybody: write to a room, and tell that one types. For rpc, publish and REST.

Counted per user in this process, whatever the connection or the API: N gateways allow up to N times as much.
"""

from collections.abc import Callable

import msgspec

from chat_gateway.core.ids import UserId
from chat_gateway.realtime.buckets import Buckets, Rate
from chat_gateway.realtime.refusals import Reason, refused
from shared.errors import RateLimited

WRITES = frozenset(
    {
        "room.create",
        "room.update",
        "room.archive",
        "room.join",
        "room.leave",
        "room.invite",
        "room.remove",
        "room.ban",
        "room.unban",
        "room.set_role",
        "direct.open",
        "message.post",
        "message.edit",
        "message.delete",
        "message.react",
        "message.unreact",
        "message.pin",
        "message.unpin",
        "message.report",
    }
)
"""The verbs that add to a room's log or to what others see. One bucket for all, or who may not post would edit."""


class Rates(msgspec.Struct, frozen=True, kw_only=True):
    """`requests` is for the REST face: what a connection's commands are to a connection; `messages` for WRITES.

    `directs` is for direct rooms that are new.
    """

    requests: Rate = Rate(600, burst=100)
    messages: Rate = Rate(60, burst=20)
    directs: Rate = Rate(0.5, burst=30)
    typing: Rate = Rate(20, burst=1)


class Pace:
    """Every method raises RateLimited `rate_limited`, with the seconds to wait, or counts one more."""

    def __init__(self, rates: Rates, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._requests = Buckets(rates.requests)
        self._messages = Buckets(rates.messages)
        self._directs = Buckets(rates.directs)
        self._typing = Buckets(rates.typing)
        self._all = (self._requests, self._messages, self._directs, self._typing)

    def check_request(self, user: UserId) -> None:
        """Count one request of the REST face, before it is read."""
        self._take(self._requests, user, Reason.REQUESTS)

    def check_new_direct(self, user: UserId) -> None:
        """Count one direct room that is not there yet, beside the write that `check` counts."""
        self._take(self._directs, user, Reason.DIRECTS)

    def check(self, user: UserId, verb: str, request: object) -> None:
        """Count one use of a verb by any face; reads and one's own markers are free."""
        if verb in WRITES:
            self._take(self._messages, user, Reason.MESSAGES)
        elif verb == "typing":
            # Nobody has looked yet whether there is such a room. A number is small however long the name that was sent.
            self._take(self._typing, hash((user, getattr(request, "room", ""))), Reason.TYPING)
        else:
            self._forget(self._monotonic())

    def _take(self, buckets: Buckets, key: object, reason: Reason) -> None:
        now = self._monotonic()
        self._forget(now, but=buckets)
        try:
            buckets.take(key, now)
        except RateLimited:
            refused(reason)
            raise

    def _forget(self, now: float, *, but: Buckets | None = None) -> None:
        """Drop what is full by now, of typing too where nobody types any more; who is taken from does so itself."""
        for buckets in self._all:
            if buckets is not but:
                buckets.forget(now)
