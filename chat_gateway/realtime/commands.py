"""What each command of the protocol does (PROTOCOL 2.2): the way from a request to a result."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import structlog

from chat_gateway.protocol import codes, frames
from chat_gateway.realtime.context import Disconnected
from chat_gateway.realtime.publication import Position
from chat_gateway.realtime.refusals import Reason, refused
from chat_gateway.realtime.renewals import Renewals
from chat_gateway.realtime.session import Session, State
from chat_gateway.realtime.subscription import ttl, wanted_position
from shared.errors import AppError, InvalidInput, NotFound

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chat_gateway.realtime.context import Context
    from chat_gateway.realtime.ports import Recovered, Snapshot, User

_log = structlog.get_logger(__name__)


class ProtocolCommands:
    def __init__(self, context: Context) -> None:
        self._context = context
        self._application = context.application
        self._subscriber = context.subscriber
        self._renewals = Renewals(context)

    async def run(self, session: Session, command_id: int, request: frames.Request) -> frames.Result | None:
        """Carry out a command; None where it was answered already. Raises AppError and Disconnected."""
        if self._context.repairer.stalled():
            await self._context.repairer.rechecked()  # the session may have ended while we stood still
        if session.closed:
            raise Disconnected(codes.SERVER_ERROR)  # nothing may be attached for one who has gone
        if isinstance(request, frames.Connect):
            async with self._context.load.turn():
                await self._connect(session, command_id, request)
            return None
        if session.user is None:
            raise Disconnected(codes.BAD_REQUEST)  # a command after a refused connect
        if isinstance(request, frames.Subscribe):
            await self._subscribe(session, session.user, command_id, request)
            return None
        return await self._answer(session, session.user, request)

    async def _answer(self, session: Session, user: User, request: frames.Request) -> frames.Result:
        match request:
            case frames.Unsubscribe(channel):
                return self._unsubscribe(session, channel)
            case frames.Publish(channel, data):
                return await self._publish(session, user, channel, data)
            case frames.Rpc(method, data):
                return frames.RpcResult(data=await self._application.rpc(user, method, data))
            case frames.History():
                return await self._history(user, request)
            case frames.Refresh() | frames.SubRefresh():
                return await self._renewals.renew(session, user, request)
            case _:
                return await self._presence(user, request)

    async def _presence(self, user: User, request: frames.Request) -> frames.Result:
        match request:
            case frames.Presence(channel):
                present = await self._context.presence.of(user, channel)
                return frames.PresenceResult(presence=present.clients)
            case frames.PresenceStats(channel):
                present = await self._context.presence.of(user, channel)
                return frames.PresenceStatsResult(num_clients=present.num_clients, num_users=present.num_users)
            case _:
                raise NotFound("not_available", "This command is not available here.")

    def _unsubscribe(self, session: Session, channel: str) -> frames.UnsubscribeResult:
        """End a subscription the client made; those of the server are not the client's to end."""
        subscription = session.channels.get(channel)
        if subscription is not None and not subscription.by_server:
            self._context.unsubscriber.drop(session, channel)
        return frames.UnsubscribeResult()

    async def _publish(self, session: Session, user: User, channel: str, data: bytes) -> frames.PublishResult:
        subscription = session.channels.get(channel)
        info = session.info_in(subscription.grant if subscription else None)
        await self._application.publish(user, channel, data, info)
        return frames.PublishResult()

    async def _connect(self, session: Session, command_id: int, request: frames.Connect) -> None:
        user = await self._verify(request.token)
        if session.closed:
            return
        session.user = user
        session.user_id = user.id
        session.info = frames.ClientInfo(user.id, session.client_id, user.info)
        try:
            snapshot, found = await self._subscriber.connect(session, user, request)
        except Exception:
            self._context.hub.leave(session, session.channels)
            session.channels.clear()
            session.user = None
            raise
        welcome = self._welcome(session, user, request, snapshot, found)
        self._answer_recovery(session, session.codec.reply(command_id, welcome))
        session.greeted = True
        self._context.presence.connected(session.info)
        self._subscriber.settle(session, found)
        session.state = State.CONNECTED
        _log.info("client.connected", user=user.id, session=user.session, client=session.client_id)
        self._context.heartbeat.start(session)
        for channel in snapshot.channels:
            if channel not in session.channels:
                self._subscriber.gain(session, channel)  # a room gained after the session was attached
        self._keep_within(user, session)

    def _keep_within(self, user: User, newest: Session) -> None:
        """Close the user's oldest connections where there are too many now.

        The newest is what the user looks at, and the oldest may be long dead. The code is one not to come back from:
        else as many tabs as that would push each other out for ever.
        """
        here = self._context.hub.listeners_of(user.id)
        others = [one for one in here if isinstance(one, Session) and one.greeted and one is not newest]
        for oldest in others[: max(len(others) + 1 - self._context.limits.sockets_per_user, 0)]:
            refused(Reason.SOCKETS_OF_USER)
            oldest.close(codes.CONNECTION_LIMIT)

    def _welcome(
        self,
        session: Session,
        user: User,
        request: frames.Connect,
        snapshot: Snapshot,
        found: Mapping[str, Recovered],
    ) -> frames.ConnectResult:
        now = self._context.now()
        subs = {}
        for name, recovered in found.items():
            subscription = session.channels[name]
            wanted = wanted_position(request.subs.get(name), subscription.grant)
            subs[name] = subscription.result(recovered, wanted, now)
        return frames.ConnectResult(
            client=session.client_id,
            version=self._context.version,
            data=snapshot.data,
            expires=user.expires_at is not None,
            ttl=ttl(user.expires_at, now),
            ping=self._context.limits.ping_seconds,
            pong=True,
            session=session.link.session,
            node=self._context.instance,
            subs=subs,
        )

    async def _subscribe(self, session: Session, user: User, command_id: int, request: frames.Subscribe) -> None:
        recovered = await self._subscriber.subscribe(session, user, request)
        subscription = session.channels[request.channel]
        wanted = wanted_position(request, subscription.grant)
        result = subscription.result(recovered, wanted, self._context.now())
        self._answer_recovery(session, session.codec.reply(command_id, result))
        self._subscriber.settle(session, {request.channel: recovered})

    def _answer_recovery(self, session: Session, message: bytes) -> None:
        session.outbox.send_uncounted(message)
        asyncio.get_running_loop().call_soon(self._release, session)

    def _release(self, session: Session) -> None:
        if not session.outbox.blocked:
            self._context.recoveries.written(session)

    async def _history(self, user: User, request: frames.History) -> frames.HistoryResult:
        since = None if request.since is None else Position(request.since.offset, request.since.epoch)
        if since is not None and request.reverse and since.offset == 0:
            raise InvalidInput("bad_request", "There is nothing before the beginning.")
        head, publications = await self._application.history(
            user, request.channel, since=since, limit=request.limit, reverse=request.reverse
        )
        if since is not None and since.epoch not in ("", head.epoch):
            raise InvalidInput("unrecoverable_position", "The position is of another log; read from its beginning.")
        return frames.HistoryResult(publications=publications, epoch=head.epoch, offset=head.offset)

    async def _verify(self, token: str) -> User:
        try:
            return await self._application.verify(token)
        except AppError as error:
            if error.code == "invalid_token":
                raise Disconnected(codes.INVALID_TOKEN) from error
            raise
