"""Pings, pongs and the other deadlines of a connection, all on one wheel (PROTOCOL 2.3).

The first ping comes at a random point of the second half of the interval, so that sessions that connected together are
not pinged together. A pong nobody asked for is a breach.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from chat_gateway.protocol import codes

if TYPE_CHECKING:
    from chat_gateway.realtime.context import Context
    from chat_gateway.realtime.ports import User
    from chat_gateway.realtime.session import Session


class Heartbeat:
    def __init__(self, context: Context) -> None:
        self._context = context
        self._limits = context.limits
        self._wheel = context.wheel

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
        if user is not None:
            left = user.expires_at + self._limits.expiry_grace_seconds - self._context.now()
            self._wheel.after(max(left, 0), lambda: self._expire(session, user))

    def watch_progress(self, session: Session) -> None:
        """Give up a peer that takes nothing at all for the length of the write deadline."""
        jam, before = session.outbox.jams, session.link.buffered()
        self._wheel.after(self._limits.write_seconds, lambda: self._check_progress(session, jam, before))

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
        if session.paused:
            # the pong may be there, but it is we who do not read
            self._wheel.after(self._limits.pong_seconds, lambda: self._check_pong(session))
        else:
            session.close(codes.NO_PONG)

    def _expire(self, session: Session, user: User) -> None:
        if session.closed or session.user is not user:
            return  # renewed: a later watch is set
        if self._context.now() < user.expires_at + self._limits.expiry_grace_seconds:
            self.watch_expiry(session)  # the wall clock was set back meanwhile
        else:
            session.close(codes.CONNECTION_EXPIRED)

    def _check_progress(self, session: Session, jam: int, before: int) -> None:
        if session.closed or not session.outbox.blocked or session.outbox.jams != jam:
            return
        if session.link.buffered() >= before > 0:
            session.abort()
        else:
            self.watch_progress(session)
