"""What each command of the protocol does (PROTOCOL 2.2): the way from a request to a result."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import structlog

from chat_gateway.protocol import codes, frames
from chat_gateway.realtime.context import Disconnected
from chat_gateway.realtime.publication import Position
from chat_gateway.realtime.session import State
from chat_gateway.realtime.subscriptions import result_of, wanted_position
from shared.errors import AppError, NotFound

if TYPE_CHECKING:
    from chat_gateway.realtime.context import Context
    from chat_gateway.realtime.ports import Recovered, Snapshot, User
    from chat_gateway.realtime.session import Session

_log = structlog.get_logger(__name__)


class ProtocolCommands:
    def __init__(self, context: Context) -> None:
        self._context = context
        self._application = context.application
        self._subscriber = context.subscriber

    async def run(self, session: Session, command_id: int, request: frames.Request) -> frames.Result | None:
        """Carry out a command; None where it was answered already. Raises AppError and Disconnected."""
        if session.closed:
            raise Disconnected(codes.SERVER_ERROR)  # nothing may be attached for one who has gone
        if isinstance(request, frames.Connect):
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
                await self._application.publish(user, channel, data)
                return frames.PublishResult()
            case frames.Rpc(method, data):
                return frames.RpcResult(data=await self._application.rpc(user, method, data))
            case frames.History():
                return await self._history(user, request)
            case frames.Refresh(token):
                return await self._refresh(session, user, token)
            case _:
                raise NotFound("not_available", "This command is not available here.")

    def _unsubscribe(self, session: Session, channel: str) -> frames.UnsubscribeResult:
        """End a subscription the client made; those of the server are not the client's to end."""
        if session.channels.get(channel) is False:
            self._subscriber.drop(session, channel)
        return frames.UnsubscribeResult()

    async def _connect(self, session: Session, command_id: int, request: frames.Connect) -> None:
        user = await self._verify(request.token)
        if session.closed:
            return
        session.user = user
        session.user_id = user.id
        try:
            snapshot, found = await self._subscriber.connect(session, user, request)
        except Exception:
            self._context.hub.leave(session, session.channels)
            session.channels.clear()
            session.user = None
            raise
        self._greet(session, user, command_id, request, snapshot, found)
        self._subscriber.settle(session, found)
        session.state = State.CONNECTED
        _log.info("client.connected", user=user.id, session=user.session, client=session.client_id)
        self._context.heartbeat.start(session)
        for channel in snapshot.channels:
            if channel not in session.channels:
                self._subscriber.gain(session, channel)  # a room gained after the session was attached

    def _greet(
        self,
        session: Session,
        user: User,
        command_id: int,
        request: frames.Connect,
        snapshot: Snapshot,
        found: dict[str, Recovered],
    ) -> None:
        limits = self._context.limits
        subs = {name: result_of(one, wanted_position(request.subs.get(name))) for name, one in found.items()}
        reply = frames.ConnectResult(
            client=session.client_id,
            version=self._context.version,
            data=snapshot.data,
            expires=True,
            ttl=self._ttl(user),
            ping=limits.ping_seconds,
            pong=True,
            node=self._context.instance,
            subs=subs,
        )
        self._answer_recovery(session, session.codec.reply(command_id, reply))

    async def _subscribe(self, session: Session, user: User, command_id: int, request: frames.Subscribe) -> None:
        recovered = await self._subscriber.subscribe(session, user, request)
        wanted = Position(request.offset, request.epoch) if request.recover else None
        self._answer_recovery(session, session.codec.reply(command_id, result_of(recovered, wanted)))
        self._subscriber.settle(session, {request.channel: recovered})

    def _answer_recovery(self, session: Session, message: bytes) -> None:
        session.outbox.put_uncounted(session.wrap(message))
        asyncio.get_running_loop().call_soon(self._release, session)

    def _release(self, session: Session) -> None:
        if not session.outbox.blocked:
            self._context.recoveries.written(session)

    async def _history(self, user: User, request: frames.History) -> frames.HistoryResult:
        since = None if request.since is None else Position(request.since.offset, request.since.epoch)
        head, publications = await self._application.history(
            user, request.channel, since=since, limit=request.limit, reverse=request.reverse
        )
        return frames.HistoryResult(publications=publications, epoch=head.epoch, offset=head.offset)

    async def _refresh(self, session: Session, user: User, token: str) -> frames.RefreshResult:
        """Renew the session's token. An expired one ends the connection, another user's ends it for good."""
        try:
            renewed = await self._application.verify(token)
        except AppError as error:
            if error.code == "token_expired":
                raise Disconnected(codes.CONNECTION_EXPIRED) from error
            if error.temporary:
                raise
            raise Disconnected(codes.INVALID_TOKEN) from error
        if renewed.id != user.id:
            raise Disconnected(codes.INVALID_TOKEN)
        session.user = renewed
        self._context.heartbeat.watch_expiry(session)
        return frames.RefreshResult(expires=True, ttl=self._ttl(renewed))

    async def _verify(self, token: str) -> User:
        try:
            return await self._application.verify(token)
        except AppError as error:
            if error.code == "invalid_token":
                raise Disconnected(codes.INVALID_TOKEN) from error
            raise

    def _ttl(self, user: User) -> int:
        return max(1, int(user.expires_at - self._context.now()))
