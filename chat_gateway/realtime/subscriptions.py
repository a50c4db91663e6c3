"""How a session comes to its channels: attach and buffer, read one snapshot, reply, then flush what passed meanwhile.

The order is what makes recovery complete: whatever is committed before the snapshot is in it, whatever is committed
after it passes the hub, which buffers for the session since before the snapshot was read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from chat_gateway.protocol import codes, frames
from chat_gateway.protocol.codec import Unencodable
from chat_gateway.realtime.context import Disconnected
from chat_gateway.realtime.ports import Recovered, Snapshot
from chat_gateway.realtime.subscription import NO_LOG, Subscription, wanted_position
from shared.errors import Conflict, Forbidden, InvalidInput, NotFound, Unavailable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chat_gateway.realtime.context import Context
    from chat_gateway.realtime.ports import Grant, User
    from chat_gateway.realtime.publication import Position
    from chat_gateway.realtime.session import Session

_log = structlog.get_logger(__name__)

_REJECT_UNRECOVERED = 2  # a flag of subscribe: an error instead of a subscription that has missed something
_ROUNDS = 5
_MAX_CHANNEL = 255


class Subscriber:
    def __init__(self, context: Context) -> None:
        self._context = context
        self._hub = context.hub
        self._application = context.application
        self._unsubscriber = context.unsubscriber

    async def connect(
        self, session: Session, user: User, request: frames.Connect
    ) -> tuple[Snapshot, dict[str, Recovered]]:
        """Attach the session to all channels of its user and read their snapshot.

        The caller queues the reply and then calls `settle` for each channel, without giving way in between.
        """
        self._hub.enter(session)
        own = self._application.channel_of(user)
        if own is not None:
            self._attach(session, own, self._application.grant(user, own), by_server=True)
        names = await self._application.channels_of(user, request.data)
        if session.closed:
            raise Disconnected(codes.SERVER_ERROR)  # nothing may be attached for one who has gone
        if names is None and own is not None:
            self._unsubscriber.drop(session, own)
        grants = {name: self._application.grant(user, name) for name in names or ()}
        for name, grant in (grants | dict(user.subs)).items():
            self._attach(session, name, grant, by_server=True)
        since = {
            name: wanted_position(request.subs.get(name), one.grant)
            for name, one in session.channels.items()
            if one.grant.has_log
        }
        snapshot, found = await self._read(session, user, since, connect=True)
        found |= {name: NO_LOG for name, one in session.channels.items() if not one.grant.has_log}
        for name in session.channels.keys() - found.keys():
            self._unsubscriber.drop(session, name)
        return snapshot, found

    async def subscribe(self, session: Session, user: User, request: frames.Subscribe) -> Recovered:
        """Attach to one channel on the client's wish; the caller goes on as after `connect`.

        Raises what `Application.admit` does, and Conflict, NotFound, Forbidden `permission_denied`, Unavailable.
        """
        name = request.channel
        self._judge(session, request)
        grant = await self._application.admit(user, request, session.info)
        if session.closed:
            raise Disconnected(codes.SERVER_ERROR)
        self._judge(session, request)  # the server may have subscribed it meanwhile
        if grant.within and not self._is_attached(session, grant.within):
            await self._check_within(session, user, grant.within)
        self._attach(session, name, grant, by_server=False)
        try:
            found = await self._found(session, user, request, grant)
        except Exception:
            self._unsubscriber.drop(session, name)
            raise
        if found is None:
            self._unsubscriber.drop(session, name)
            self.stay_off(session, name)
            raise _no_permission()
        return found

    def settle(self, session: Session, found: Mapping[str, Recovered]) -> None:
        """Let the session live on these channels, whose subscription has just been told to it."""
        for name, recovered in found.items():
            subscription = session.channels.get(name)
            if subscription is None:
                continue  # lost by what passed on another of them
            if subscription.grant.has_log:
                self._hub.settle(session, name, recovered.head)
            else:
                self._hub.follow(session, name)
            if session.channels.get(name) is subscription:
                self._begin(session, name, subscription)

    def gain(self, session: Session, channel: str) -> None:
        """Subscribe a live session that follows its user's channel to one more, which the user may read from now on."""
        user = session.user
        if session.closed or user is None or not self._is_following(session, user):
            return
        if channel in session.channels:
            # channels are ordered each for itself: this may have overtaken a loss that came before it
            session.regained |= {channel}
            return
        self._attach(session, channel, self._application.grant(user, channel), by_server=True)
        self._context.spawn(self._gain(session, user, channel))

    def stay_off(self, session: Session, channel: str) -> None:
        """Leave a session off a channel its user may not read, unless it was told already that they may again."""
        if channel in session.regained:
            session.regained -= {channel}
            self.gain(session, channel)

    async def _gain(self, session: Session, user: User, channel: str) -> None:
        try:
            _, found = await self._read(session, user, {channel: None}, connect=False)
        except Exception as error:  # noqa: BLE001 - one session's fault must not end the engine, which runs this
            _log.warning("session.gain_failed", channel=channel, error=repr(error))
            session.close(codes.INSUFFICIENT_STATE)  # the client comes back and gets it with its connect
            return
        if channel not in found:
            self._unsubscriber.drop(session, channel)
            self.stay_off(session, channel)
            return
        try:
            told = session.codec.push(channel, session.channels[channel].push(found[channel].head))
        except Unencodable:
            session.close(codes.INAPPROPRIATE_PROTOCOL)
            return
        session.send(told)
        self.settle(session, found)

    def _judge(self, session: Session, request: frames.Subscribe) -> None:
        """Refuse what no application has to be asked about."""
        if request.channel in session.channels:
            raise Conflict("already_subscribed", "The channel is subscribed already.")
        if not request.channel:
            raise InvalidInput("bad_request", "Name a channel.")
        if len(request.channel) > _MAX_CHANNEL:
            raise NotFound("unknown_channel", "A channel's name has at most 255 characters.")
        if request.type or request.tf:
            raise NotFound("not_available", "Only plain stream subscriptions are available.")
        if len(session.channels) >= self._context.limits.channels:
            raise Conflict("limit_exceeded", "The connection has too many subscriptions; end some.")

    async def _found(self, session: Session, user: User, request: frames.Subscribe, grant: Grant) -> Recovered | None:
        if not grant.has_log:
            return NO_LOG
        wanted = wanted_position(request, grant)
        _, found = await self._read(session, user, {request.channel: wanted}, connect=False)
        recovered = found.get(request.channel)
        is_gap = recovered is not None and wanted is not None and not recovered.recovered
        if is_gap and request.flag & _REJECT_UNRECOVERED:
            raise InvalidInput("unrecoverable_position", "What was missed cannot be recovered; load the state.")
        return recovered

    async def _check_within(self, session: Session, user: User, channel: str) -> None:
        """Refuse one who is not on this outer channel: only for now where that subscription is under way.

        It is where the client has asked for it, or where the server is to make it for a gain that has not come by yet.
        """
        asked = (one.channel for one in session.inbox.waiting() if isinstance(one, frames.Subscribe))
        if channel not in session.channels and channel not in asked:
            if not self._is_following(session, user):
                raise _no_permission()
            snapshot = await self._application.snapshot(user, {channel: None}, connect=False)
            if session.closed:
                raise Disconnected(codes.SERVER_ERROR)
            if self._is_attached(session, channel):
                return
            if channel not in snapshot.channels:
                raise _no_permission()
        raise Unavailable("unavailable", f"The subscription to {channel} is on its way; try again.")

    def _is_following(self, session: Session, user: User) -> bool:
        """Whether the session is told what its user gains, which the server then subscribes it to."""
        following = session.channels.get(self._application.channel_of(user) or "")
        return following is not None and following.by_server

    def _is_attached(self, session: Session, channel: str) -> bool:
        subscription = session.channels.get(channel)
        return subscription is not None and subscription.attached

    def _begin(self, session: Session, name: str, subscription: Subscription) -> None:
        grant = subscription.grant
        self._context.heartbeat.watch_subscription(session, name, subscription)
        if grant.presence:
            subscription.present = session.info_in(grant)
            self._context.presence.joined(name, subscription.present)

    def _attach(self, session: Session, name: str, grant: Grant, *, by_server: bool) -> None:
        session.channels[name] = Subscription(grant, by_server=by_server)
        self._hub.attach(session, name)

    async def _read(
        self, session: Session, user: User, since: Mapping[str, Position | None], *, connect: bool
    ) -> tuple[Snapshot, dict[str, Recovered]]:
        """Read until snapshot and buffers leave no gap; answers what the session is attached to and may read.

        A second round is needed where another session taught the hub a later position while this one was reading.
        It reads everything again: a gain may stand between the two, and must be in the snapshot that ends the joining.
        """
        reserved = any(since.values()) and self._context.recoveries.reserve(session)
        if not reserved:
            since = dict.fromkeys(since)
        carries = False
        try:
            for _ in range(_ROUNDS):
                read_at = self._hub.reading()
                snapshot = await self._application.snapshot(user, since, connect=connect)
                if session.closed:
                    raise Disconnected(codes.SERVER_ERROR)
                here = [name for name in since if self._is_attached(session, name)]
                found = {name: snapshot.channels[name] for name in here if name in snapshot.channels}
                late = [name for name, one in found.items() if not self._hub.covers(session, name, one.head, read_at)]
                if not late:
                    carries = any(recovered.publications for recovered in found.values())
                    return snapshot, found
                for name in here:
                    self._hub.attach(session, name)  # a buffer that overflowed would stay short for ever
            raise Unavailable("unavailable", "The channels move too fast to be joined; try again.")
        finally:
            if reserved and not carries:
                self._context.recoveries.cancel(session)


def _no_permission() -> Forbidden:
    return Forbidden("permission_denied", "The channel is not there, or not for you.")
