"""How often a user may do what costs everybody: post, and tell that one types. One place for rpc, publish and REST.

Counted per user in this process, whatever the connection or the API: N gateways allow up to N times as much.
"""

from collections.abc import Callable

import msgspec

from chat_gateway.core.ids import UserId
from chat_gateway.realtime.buckets import Buckets, Rate
from chat_gateway.realtime.refusals import Reason, refused
from shared.errors import RateLimited


class Rates(msgspec.Struct, frozen=True, kw_only=True):
    """`requests` is for the REST face: what a connection's commands are to a connection."""

    requests: Rate = Rate(600, burst=100)
    messages: Rate = Rate(60, burst=20)
    typing: Rate = Rate(20, burst=1)


class Pace:
    """Every method raises RateLimited `rate_limited`, with the seconds to wait, or counts one more."""

    def __init__(self, rates: Rates, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._requests = Buckets(rates.requests)
        self._messages = Buckets(rates.messages)
        self._typing = Buckets(rates.typing)

    def check_request(self, user: UserId) -> None:
        """Count one request of the REST face, before it is read."""
        self._take(self._requests, user, Reason.REQUESTS)

    def check(self, user: UserId, verb: str, request: object) -> None:
        """Count one use of a verb by any face; most verbs are free."""
        if verb == "message.post":
            self._take(self._messages, user, Reason.MESSAGES)
        elif verb == "typing":
            self._take(self._typing, (user, getattr(request, "room", "")), Reason.TYPING)

    def _take(self, buckets: Buckets, key: object, reason: Reason) -> None:
        try:
            buckets.take(key, self._monotonic())
        except RateLimited:
            refused(reason)
            raise
