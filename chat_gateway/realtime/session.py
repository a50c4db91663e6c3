"""One client's session: the state of the protocol between a link and the application. No I/O of its own.

Commands wait and run in its inbox, answers and publications leave through its outbox. Pings and pongs never wait
behind commands.
"""

import asyncio
import uuid
from collections.abc import Hashable
from enum import Enum

import structlog
from msgspec.structs import replace

from chat_gateway.protocol import codes, frames
from chat_gateway.protocol.codec import Codec, Malformed, Unencodable
from chat_gateway.realtime.context import Context, Disconnected
from chat_gateway.realtime.inbox import Inbox, Pace
from chat_gateway.realtime.link import Link
from chat_gateway.realtime.outbox import Outbox
from chat_gateway.realtime.ports import Grant, User
from chat_gateway.realtime.refusals import Reason, refused
from chat_gateway.realtime.subscription import Subscription
from shared.errors import AppError, InvalidInput, RateLimited, Unavailable

_log = structlog.get_logger(__name__)

_ALONE = (frames.Connect, frames.Subscribe, frames.Unsubscribe, frames.Refresh, frames.SubRefresh)
_SLOW = (frames.History, frames.Presence, frames.PresenceStats)


class State(Enum):
    NEW = "new"
    CONNECTING = "connecting"
    CONNECTED = "connected"
    REFUSED = "refused"
    CLOSED = "closed"


class Session:
    """`regained` names channels the user was let into while the session was on them (see `Subscriber.gain`).

    `info` is what others are shown of this client; it stays as it was at connect. `greeted` once the client was told
    that it is connected.
    """

    __slots__ = (
        "_commands_full_at",
        "_fault_minute",
        "_faults",
        "_leaving",
        "awaiting_pong",
        "channels",
        "client_id",
        "codec",
        "context",
        "greeted",
        "inbox",
        "info",
        "link",
        "outbox",
        "regained",
        "reserved",
        "state",
        "user",
        "user_id",
    )

    def __init__(self, link: Link, context: Context) -> None:
        self.link = link
        self.context = context
        self.codec: Codec = link.codec
        self.inbox = Inbox(link, context.limits, self._judge, self._start)
        self.outbox = Outbox(link, context.flusher, self._overflowed)
        self.state = State.NEW
        self.client_id = str(uuid.uuid4())
        self.user: User | None = None
        self.user_id = ""
        self.info = frames.ClientInfo("", self.client_id)
        self.greeted = False
        self.channels: dict[str, Subscription] = {}
        self.regained: frozenset[str] = frozenset()
        self.reserved = 0
        self.awaiting_pong = False
        self._leaving = False
        self._commands_full_at = 0.0
        self._faults = 0
        self._fault_minute = 0
        context.heartbeat.watch_connect(self)

    @property
    def variant(self) -> Hashable:
        return (self.codec, type(self.link))

    @property
    def closed(self) -> bool:
        return self.state is State.CLOSED

    def wrap(self, payload: bytes) -> bytes:
        return self.link.wrap(payload)

    def put(self, frame: bytes) -> None:
        self.outbox.put(frame)

    def put_ephemeral(self, frame: bytes) -> None:
        self.outbox.put_ephemeral(frame)

    def follows(self, channel: str) -> bool:
        subscription = self.channels.get(channel)
        return subscription is not None and subscription.grant.join_leave

    def send(self, message: bytes) -> None:
        """Queue one protocol message; nothing once the session is closed."""
        if not self.closed:
            self.outbox.send(message)

    def info_in(self, grant: Grant | None) -> frames.ClientInfo:
        """What others are shown of this client in a channel."""
        return replace(self.info, chan_info=grant.chan_info) if grant is not None and grant.chan_info else self.info

    def received(self, payload: bytes) -> None:
        if self.closed:
            return
        try:
            commands = self.codec.decode(payload, levels=self.context.limits.json_depth)
        except Malformed as malformed:
            _log.info("session.malformed", problem=str(malformed))
            refused(Reason.MALFORMED)
            self.close(codes.BAD_REQUEST)
            return
        for command in commands:
            if isinstance(command.request, frames.Pong):
                self.context.heartbeat.pong(self)
            else:
                self.inbox.put(command)
        self.inbox.pump()

    def writable(self, on: bool) -> None:  # noqa: FBT001 - a transport's pause_writing and resume_writing
        if self.closed:
            return
        self.outbox.writable(on)
        if on:
            self.context.recoveries.written(self)
        else:
            self.context.heartbeat.watch_progress(self)

    def lost(self) -> None:
        self._end()

    def gains(self, channel: str) -> None:
        self.context.subscriber.gain(self, channel)

    def loses(self, channel: str) -> None:
        self.context.unsubscriber.end(self, channel, codes.SERVER_UNSUBSCRIBE)
        self.withhold()
        self.context.subscriber.stay_off(self, channel)

    def withhold(self) -> None:
        """Within a second, drop the connection if bytes are still in user space: they may hold what must not go out."""
        self.context.wheel.after(0, self._abort_if_blocked)

    def unfit(self) -> None:
        """Close as `close` does, but end with the next step: whoever delivers now must not see the session leave."""
        why = codes.INAPPROPRIATE_PROTOCOL
        self.outbox.flush()
        self.link.close(why.code, why.reason)
        asyncio.get_running_loop().call_soon(self._end, why.code)

    def outdated(self, channel: str) -> None:
        self.context.unsubscriber.restart(self, channel)

    def close(self, disconnect: codes.Disconnect) -> None:
        """Flush what is queued, tell the client why, and go."""
        if not self.closed:
            self.outbox.flush()
            self._end(disconnect.code)
            self.link.close(disconnect.code, disconnect.reason)

    def close_later(self, disconnect: codes.Disconnect) -> None:
        """Close at a random moment of the spread, so that not all come back at once. The first call draws it."""
        context = self.context
        if not self._leaving:
            self._leaving = True
            context.wheel.after(context.random() * context.limits.spread_seconds, lambda: self.close(disconnect))

    def abort(self) -> None:
        """Drop the connection at once, with all that is unsent."""
        if not self.closed:
            self._end()
        self.link.abort()

    def _judge(self, command: frames.Command) -> Pace | None:
        request = command.request
        if (refusal := self._breach(command)) is not None:
            self.close(refusal)
            return None
        if request is None:
            self._fault(command)
            return None
        if not self._is_paced(command):
            return None
        if isinstance(request, frames.Connect):
            self.context.half_open.leave(self)
            self.state = State.CONNECTING
        if isinstance(request, _ALONE):
            return Pace.ALONE
        slow = isinstance(request, _SLOW) or (
            isinstance(request, frames.Rpc) and self.context.application.is_slow(request.method)
        )
        return Pace.SLOW if slow else Pace.FREE

    def _is_paced(self, command: frames.Command) -> bool:
        """Answer whether this may run now; a command that comes too soon is refused with the time to wait."""
        if isinstance(command.request, frames.Unsubscribe):
            return True  # costs less than its refusal, after which SDKs connect anew
        try:
            now = self.context.monotonic()
            self._commands_full_at = self.context.limits.commands.take(self._commands_full_at, now)
        except RateLimited as error:
            refused(Reason.COMMANDS)
            self._refuse(command.id, error)
            return False
        return True

    def _start(self, command: frames.Command, pace: Pace) -> None:
        if command.request is not None:
            self.context.spawn(self._run(command.id, command.request, pace))

    def _breach(self, command: frames.Command) -> codes.Disconnect | None:
        """Name the disconnect for a command that may not come at all, or not now (PROTOCOL 2.3)."""
        request = command.request
        if isinstance(request, frames.Connect) != (self.state is State.NEW) or isinstance(request, frames.Ping):
            return codes.BAD_REQUEST
        if self.state is State.REFUSED:
            return codes.BAD_REQUEST
        if isinstance(request, frames.Send):
            return codes.NOT_AVAILABLE
        return codes.BAD_REQUEST if command.id == 0 else None

    async def _run(self, command_id: int, request: frames.Request, pace: Pace) -> None:
        try:
            result = await self.context.commands.run(self, command_id, request)
            if result is not None:
                self.send(self.codec.reply(command_id, result))
        except Disconnected as gone:
            self.close(gone.disconnect)
        except Unencodable:
            self.close(codes.INAPPROPRIATE_PROTOCOL)
        except AppError as error:
            self._refuse(command_id, error)
        except Exception:  # noqa: BLE001 - the boundary of a command: logged, answered, and the session lives on
            _log.exception("session.command_failed", command=type(request).__name__)
            self._refuse(command_id, Unavailable("internal", "Something went wrong here; try again."))
        self.inbox.done(pace)

    def _refuse(self, command_id: int, error: AppError) -> None:
        if self.state is State.CONNECTING:
            self.state = State.REFUSED
        message = error.code if error.retry_after is None else f"{error.code} retry_after={error.retry_after:g}"
        self.send(self.codec.error(command_id, codes.number(error.code), message, temporary=error.temporary))

    def _fault(self, command: frames.Command) -> None:
        """Answer a command nobody knows; a client that goes on with it is closed, one with a bug is told."""
        minute = int(self.context.monotonic() // 60)
        self._faults = self._faults + 1 if minute == self._fault_minute else 1
        self._fault_minute = minute
        if self._faults > self.context.limits.faults_per_minute:
            refused(Reason.FAULTS)
            self.close(codes.TOO_MANY_ERRORS)
        else:
            self._refuse(command.id, InvalidInput("bad_request", "The command is not known."))

    def _end(self, code: int = 0) -> None:
        """End once; `code` is the one we close with, 0 where the client or the network did."""
        if not self.closed:
            if self.user is not None:
                _log.info("client.closed", user=self.user_id, session=self.user.session, code=code)
            self.state = State.CLOSED
            self.context.left(self)
            self.outbox.discard()
            self.inbox.end()

    def _overflowed(self) -> None:
        refused(Reason.OUTBOX)
        self.close(codes.SLOW)

    def _abort_if_blocked(self) -> None:
        if self.outbox.blocked and not self.closed:
            self.abort()
