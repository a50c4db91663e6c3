"""One channel of one session: what was granted, and what the client is told of it."""

import msgspec

from chat_gateway.protocol import frames
from chat_gateway.protocol.frames import ClientInfo
from chat_gateway.realtime.ports import Grant, Recovered
from chat_gateway.realtime.publication import Position

NO_LOG = Recovered(head=Position(0, ""), recovered=False)
"""What stands for a snapshot where there is nothing to read."""


class Subscription(msgspec.Struct, gc=False, eq=False):
    """There are many: small, and nothing for the collector to look at.

    `attached` until the hub has let go of it, which may be long before the client is told. `present` is what others are
    shown of the client in this channel, while they are.
    """

    grant: Grant
    by_server: bool
    attached: bool = True
    present: ClientInfo | None = None

    def result(self, found: Recovered, wanted: Position | None, now: float) -> frames.SubscribeResult:
        """Say where the subscription stands; a recovered one stands at the client's own offset and brings the rest."""
        grant = self.grant
        complete = wanted is not None and found.recovered
        told = grant.positioned or grant.recoverable
        return frames.SubscribeResult(
            expires=grant.expires_at is not None,
            ttl=ttl(grant.expires_at, now),
            recoverable=grant.recoverable,
            positioned=told,
            epoch=found.head.epoch if told else "",
            offset=(wanted.offset if wanted is not None and complete else found.head.offset) if told else 0,
            publications=found.publications if complete else (),
            recovered=complete,
            was_recovering=wanted is not None,
            data=grant.data,
        )

    def push(self, head: Position) -> frames.SubscribePush:
        """Tell a client of a subscription that the server made while it was connected."""
        told = self.grant.positioned or self.grant.recoverable
        return frames.SubscribePush(
            recoverable=self.grant.recoverable,
            positioned=told,
            epoch=head.epoch if told else "",
            offset=head.offset if told else 0,
            data=self.grant.data,
        )


def ttl(expires_at: int | None, now: float) -> int:
    """Count the seconds a client is told; one at least, since 0 would say that it never ends."""
    return 0 if expires_at is None else max(1, int(expires_at - now))


def wanted_position(resume: frames.Resume | frames.Subscribe | None, grant: Grant) -> Position | None:
    """Say from where a client wants to go on; None where it does not, or where that is not granted."""
    if resume is None or not resume.recover or not grant.recoverable:
        return None
    return Position(resume.offset, resume.epoch)
