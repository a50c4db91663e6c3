"""How a client keeps a connection and its subscriptions beyond their expiry: with new tokens, in time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chat_gateway.protocol import codes, frames
from chat_gateway.realtime.context import Disconnected
from chat_gateway.realtime.subscription import ttl
from shared.errors import AppError, Forbidden, InvalidInput, NotFound

if TYPE_CHECKING:
    from chat_gateway.realtime.context import Context
    from chat_gateway.realtime.ports import User
    from chat_gateway.realtime.session import Session


class Renewals:
    """A token that renews nothing ends the connection; one that cannot be judged now may be sent again."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._application = context.application

    async def renew(
        self, session: Session, user: User, request: frames.Refresh | frames.SubRefresh
    ) -> frames.RefreshResult | frames.SubRefreshResult:
        if isinstance(request, frames.SubRefresh):
            return await self._subscription(session, user, request.channel, request.token)
        return await self._connection(session, user, request.token)

    async def _connection(self, session: Session, user: User, token: str) -> frames.RefreshResult:
        try:
            renewed = await self._application.verify(token)
        except AppError as error:
            raise _judged(error, codes.CONNECTION_EXPIRED) from error
        if renewed.id != user.id:
            raise Disconnected(codes.INVALID_TOKEN)
        if renewed.subs.keys() != user.subs.keys():
            raise Disconnected(codes.INSUFFICIENT_STATE)  # its next connect gets the others
        session.user = renewed
        self._context.heartbeat.watch_expiry(session)
        return frames.RefreshResult(
            expires=renewed.expires_at is not None, ttl=ttl(renewed.expires_at, self._context.now())
        )

    async def _subscription(self, session: Session, user: User, channel: str, token: str) -> frames.SubRefreshResult:
        subscription = session.channels.get(channel)
        if subscription is None:
            raise Forbidden("permission_denied", "The channel is not subscribed.")
        if subscription.grant.expires_at is None:
            raise NotFound("not_available", "This subscription does not expire.")
        if not token:
            raise InvalidInput("bad_request", "Send the new token of the subscription.")
        try:
            grant = await self._application.admit(user, frames.Subscribe(channel=channel, token=token), session.info)
        except AppError as error:
            raise _judged(error, codes.SUBSCRIPTION_EXPIRED) from error
        subscription.grant = grant
        self._context.heartbeat.watch_subscription(session, channel, subscription)
        return frames.SubRefreshResult(
            expires=grant.expires_at is not None, ttl=ttl(grant.expires_at, self._context.now())
        )


def _judged(error: AppError, expired: codes.Disconnect) -> AppError | Disconnected:
    if error.temporary:
        return error
    return Disconnected(expired if error.code == "token_expired" else codes.INVALID_TOKEN)
