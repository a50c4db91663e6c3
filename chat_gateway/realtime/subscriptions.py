"""How a session comes to its channels: attach and buffer, read one snapshot, reply, then flush what passed meanwhile.

The order is what makes recovery complete: whatever is committed before the snapshot is in it, whatever is committed
after it passes the hub, which buffers for the session since before the snapshot was read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from chat_gateway.protocol import codes, frames
from chat_gateway.realtime.context import Disconnected
from chat_gateway.realtime.ports import Recovered, Snapshot
from chat_gateway.realtime.publication import Position
from shared.errors import Conflict, Forbidden, NotFound, Unavailable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chat_gateway.realtime.context import Context
    from chat_gateway.realtime.ports import User
    from chat_gateway.realtime.session import Session

_log = structlog.get_logger(__name__)

_ROUNDS = 5
_MAX_CHANNEL = 255


class Subscriber:
    def __init__(self, context: Context) -> None:
        self._context = context
        self._hub = context.hub
        self._application = context.application

    async def connect(
        self, session: Session, user: User, request: frames.Connect
    ) -> tuple[Snapshot, dict[str, Recovered]]:
        """Attach the session to all channels of its user and read their snapshot.

        The caller queues the reply and then calls `settle` for each channel, without giving way in between.
        """
        self._hub.enter(session)
        own = self._application.channel_of(user)
        self._attach(session, own, by_server=True)
        names = await self._application.channels_of(user, request.data)
        if session.closed:
            raise Disconnected(codes.SERVER_ERROR)  # nothing may be attached for one who has gone
        if names is None:
            self.drop(session, own)
        for name in names or ():
            self._attach(session, name, by_server=True)
        since = {name: wanted_position(request.subs.get(name)) for name in session.channels}
        snapshot, found = await self._read(session, user, since, connect=True)
        for name in [name for name in session.channels if name not in found]:
            self.drop(session, name)
        return snapshot, found

    async def subscribe(self, session: Session, user: User, request: frames.Subscribe) -> Recovered:
        """Attach to one channel on the client's wish. Raises Forbidden `permission_denied`, Conflict, NotFound."""
        name = request.channel
        if name in session.channels:
            raise Conflict("already_subscribed", "The channel is subscribed already.")
        if len(name) > _MAX_CHANNEL:
            raise NotFound("unknown_channel", "A channel's name has at most 255 characters.")
        if request.type or request.tf:
            raise NotFound("not_available", "Only plain stream subscriptions are available.")
        self._attach(session, name, by_server=False)
        try:
            wanted = Position(request.offset, request.epoch) if request.recover else None
            _, found = await self._read(session, user, {name: wanted}, connect=False)
        except Exception:
            self.drop(session, name)
            raise
        if name not in found:
            self.drop(session, name)
            self.stay_off(session, name)
            raise Forbidden("permission_denied", "The channel is not there, or not for you.")
        return found[name]

    def settle(self, session: Session, found: Mapping[str, Recovered]) -> None:
        for name, recovered in found.items():
            self._hub.settle(session, name, recovered.head)

    def drop(self, session: Session, name: str) -> None:
        session.channels.pop(name, None)
        self._hub.detach(session, name)

    def gain(self, session: Session, channel: str) -> None:
        """Subscribe a live session that follows its user's channel to one more, which the user may read from now on."""
        user = session.user
        if session.closed or user is None or not session.channels.get(self._application.channel_of(user)):
            return
        if channel in session.channels:
            # channels are ordered each for itself: this may have overtaken a loss that came before it
            session.regained |= {channel}
            return
        self._attach(session, channel, by_server=True)
        self._context.spawn(self._gain(session, user, channel))

    def stay_off(self, session: Session, channel: str) -> None:
        """Leave a session off a channel its user may not read, unless it was told already that they may again."""
        if channel in session.regained:
            session.regained -= {channel}
            self.gain(session, channel)

    def restart(self, session: Session, channel: str) -> None:
        """Tell the client that what it knows of the channel is of another log: it has to begin again."""
        if session.channels.get(channel):
            self._hub.detach(session, channel)  # until then the new log's offsets would look like the old one's
            session.close_later(codes.INSUFFICIENT_STATE)
            return
        self.drop(session, channel)
        why = codes.SUBSCRIPTION_INSUFFICIENT_STATE
        session.send(session.codec.push(channel, frames.UnsubscribePush(why.code, why.reason)))

    async def _gain(self, session: Session, user: User, channel: str) -> None:
        try:
            _, found = await self._read(session, user, {channel: None}, connect=False)
        except Exception as error:  # noqa: BLE001 - one session's fault must not end the engine, which runs this
            _log.warning("session.gain_failed", channel=channel, error=repr(error))
            session.close(codes.INSUFFICIENT_STATE)  # the client comes back and gets it with its connect
            return
        if channel not in found:
            self.drop(session, channel)
            self.stay_off(session, channel)
            return
        head = found[channel].head
        push = frames.SubscribePush(recoverable=True, positioned=True, epoch=head.epoch, offset=head.offset)
        session.send(session.codec.push(channel, push))
        self.settle(session, found)

    def _attach(self, session: Session, name: str, *, by_server: bool) -> None:
        session.channels[name] = by_server
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
                snapshot = await self._application.snapshot(user, since, connect=connect)
                if session.closed:
                    raise Disconnected(codes.SERVER_ERROR)
                found = {name: recovered for name, recovered in snapshot.channels.items() if name in since}
                late = [name for name, one in found.items() if not self._hub.covers(session, name, one.head)]
                if not late:
                    carries = any(recovered.publications for recovered in found.values())
                    return snapshot, found
                for name in since:
                    self._hub.attach(session, name)  # a buffer that overflowed would stay short for ever
            raise Unavailable("unavailable", "The channels move too fast to be joined; try again.")
        finally:
            if reserved and not carries:
                self._context.recoveries.cancel(session)


def wanted_position(resume: frames.Resume | None) -> Position | None:
    return Position(resume.offset, resume.epoch) if resume is not None and resume.recover else None


def result_of(recovered: Recovered, wanted: Position | None) -> frames.SubscribeResult:
    """Say where a subscription stands; a recovered one stands at the client's own offset and brings the rest."""
    complete = wanted is not None and recovered.recovered
    return frames.SubscribeResult(
        recoverable=True,
        positioned=True,
        epoch=recovered.head.epoch,
        offset=wanted.offset if wanted is not None and complete else recovered.head.offset,
        publications=recovered.publications if complete else (),
        recovered=complete,
        was_recovering=wanted is not None,
    )
