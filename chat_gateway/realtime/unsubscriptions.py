"""How a subscription ends: by its client, by a loss, in another epoch, by expiry; and what ends with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chat_gateway.protocol import codes, frames

if TYPE_CHECKING:
    from chat_gateway.protocol.codes import Unsubscription
    from chat_gateway.realtime.context import Context
    from chat_gateway.realtime.session import Session
    from chat_gateway.realtime.subscription import Subscription


class Unsubscriber:
    def __init__(self, context: Context) -> None:
        self._context = context
        self._hub = context.hub

    def drop(self, session: Session, channel: str) -> None:
        """End a subscription of which the client knows, or never knew, and those within it, of which it is told."""
        subscription = session.channels.pop(channel, None)
        self._hub.detach(session, channel)
        if subscription is None:
            return
        self._leave(channel, subscription)
        for name, other in list(session.channels.items()):
            if other.grant.within == channel:
                self.end(session, name, codes.SERVER_UNSUBSCRIBE)

    def end(self, session: Session, channel: str, why: Unsubscription) -> None:
        """End a subscription and tell the client."""
        session.send(session.codec.push(channel, frames.UnsubscribePush(why.code, why.reason)))
        self.drop(session, channel)

    def restart(self, session: Session, channel: str) -> None:
        """Have the client begin again, for what it knows of the channel is of another log.

        It gets nothing more at once, or the new log's offsets would look like the old one's. It is told at a random
        moment of the spread, so that not all of a restored log read it at the same time.
        """
        subscription = session.channels.get(channel)
        if subscription is None:
            return
        self._detach(session, channel, subscription)
        for name, other in session.channels.items():
            if other.grant.within == channel:
                self._detach(session, name, other)  # nobody would tell it of a loss any more
        if subscription.by_server:
            session.close_later(codes.INSUFFICIENT_STATE)
            return
        moment = self._context.random() * self._context.limits.spread_seconds
        self._context.wheel.after(moment, lambda: self._tell_late(session, channel, subscription))

    def leave(self, session: Session) -> None:
        """Take a session that is over off everything."""
        self._hub.leave(session, list(session.channels))
        for channel, subscription in session.channels.items():
            self._leave(channel, subscription)
        if session.greeted:
            session.greeted = False
            self._context.presence.disconnected(session.info)

    def _detach(self, session: Session, channel: str, subscription: Subscription) -> None:
        subscription.attached = False
        self._hub.detach(session, channel)

    def _tell_late(self, session: Session, channel: str, subscription: Subscription) -> None:
        if session.closed or session.channels.get(channel) is not subscription:
            return  # gone, or begun again of its own accord
        why = codes.SUBSCRIPTION_INSUFFICIENT_STATE
        within = [name for name, other in session.channels.items() if other.grant.within == channel]
        for name in (*within, channel):
            self.end(session, name, why)

    def _leave(self, channel: str, subscription: Subscription) -> None:
        present, subscription.present = subscription.present, None
        if present is not None:
            self._context.presence.left(channel, present)
