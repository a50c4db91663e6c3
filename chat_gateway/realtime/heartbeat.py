"""Pings, pongs and the other deadlines of a connection, all on one wheel (PROTOCOL 2.3).

The first ping comes at a random point of the second half of the interval, so that sessions that connected together are
not pinged together. A pong nobody asked for is a breach.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from chat_gateway.protocol import codes
from chat_gateway.realtime.refusals import Reason, refused
from chat_gateway.realtime.session import State

if TYPE_CHECKING:
    from chat_gateway.realtime.context import Context
    from chat_gateway.realtime.ports import Grant, User
    from chat_gateway.realtime.session import Session
    from chat_gateway.realtime.subscription import Subscription


class Heartbeat:
    def __init__(self, context: Context) -> None:
        self._context = context
        self._limits = context.limits
        self._wheel = context.wheel

    def watch_connect(self, session: Session) -> None:
        """Count a session as half open while it says nothing, and close one that is not connected in time."""
        self._wheel.after(self._limits.half_open_seconds, lambda: self._check_quiet(session))
        self._wheel.after(self._limits.connect_seconds, lambda: self._check_connected(session))

    def start(self, session: Session) -> None:
        first = self._limits.ping_seconds * (1 + self._context.random()) / 2
        self._wheel.after(first, lambda: self._beat(session))
        self.watch_expiry(session)

    def pong(self, session: Session) -> None:
        if not session.awaiting_pong:
            session.close(codes.BAD_REQUEST)
        session.awaiting_pong = False

    def watch_expiry(self, session: Session) -> None:
        """Close the session when its token has been dead for the grace period, unless it was renewed by then."""
        user = session.user
        if user is not None and user.expires_at is not None:
            left = user.expires_at + self._limits.expiry_grace_seconds - self._context.now()
            self._wheel.after(max(left, 0), lambda: self._expire(session, user))

    def watch_subscription(self, session: Session, channel: str, subscription: Subscription) -> None:
        """End a subscription whose grant has been over for the grace period, unless it was renewed by then."""
        grant = subscription.grant
        if grant.expires_at is not None:
            left = grant.expires_at + self._limits.expiry_grace_seconds - self._context.now()
            self._wheel.after(max(left, 0), lambda: self._expire_subscription(session, channel, subscription, grant))

    def watch_progress(self, session: Session) -> None:
        """Give up a peer that takes nothing at all for the length of the write deadline."""
        jam, before = session.outbox.jams, session.link.buffered()
        self._wheel.after(self._limits.write_seconds, lambda: self._check_progress(session, jam, before))

    def _check_quiet(self, session: Session) -> None:
        if session.state is State.NEW:
            self._context.half_open.enter(session)

    def _check_connected(self, session: Session) -> None:
        if session.state is State.CONNECTING:
            session.close(codes.SERVER_ERROR)  # it is we who are slow: the client may come back
        elif session.state in (State.NEW, State.REFUSED):
            refused(Reason.CONNECT_MISSING)
            session.close(codes.STALE)

    def _beat(self, session: Session) -> None:
        if session.closed:
            return
        session.awaiting_pong = True
        session.send(session.codec.ping)
        self._wheel.after(self._limits.pong_seconds, lambda: self._check_pong(session))
        self._wheel.after(self._limits.ping_seconds, lambda: self._beat(session))

    def _check_pong(self, session: Session) -> None:
        if session.closed or not session.awaiting_pong:
            return
        if session.inbox.paused:
            # the pong may be there, but it is we who do not read
            self._wheel.after(self._limits.pong_seconds, lambda: self._check_pong(session))
        else:
            refused(Reason.NO_PONG)
            session.close(codes.NO_PONG)

    def _expire(self, session: Session, user: User) -> None:
        if session.closed or session.user is not user:
            return  # renewed: a later watch is set
        if self._is_early(user.expires_at):
            self.watch_expiry(session)
        else:
            session.close(codes.CONNECTION_EXPIRED)

    def _expire_subscription(self, session: Session, channel: str, subscription: Subscription, grant: Grant) -> None:
        if session.closed or session.channels.get(channel) is not subscription or subscription.grant is not grant:
            return
        if self._is_early(grant.expires_at):
            self.watch_subscription(session, channel, subscription)
        elif subscription.by_server:
            session.close(codes.SUBSCRIPTION_EXPIRED)
        else:
            self._context.unsubscriber.end(session, channel, codes.SUBSCRIPTION_HAS_EXPIRED)

    def _is_early(self, expires_at: int | None) -> bool:
        """Whether the wall clock was set back since the watch began."""
        return expires_at is None or self._context.now() < expires_at + self._limits.expiry_grace_seconds

    def _check_progress(self, session: Session, jam: int, before: int) -> None:
        if session.closed or not session.outbox.blocked or session.outbox.jams != jam:
            return
        if session.link.buffered() >= before > 0:
            refused(Reason.WRITE_DEADLINE)
            session.abort()
        else:
            self.watch_progress(session)
