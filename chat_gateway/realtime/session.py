"""One client's session: the state of the protocol between a link and the application. No I/O of its own.

Commands start in the client's order. Those that change the session itself (connect, subscribe, unsubscribe, refresh)
run alone; publish, rpc and history are started one after another and answered as they finish, up to `in_flight` at
once. Above that the link stops reading, which pushes back on the client. Pings and pongs never wait behind commands.
"""

import uuid
from collections import deque
from collections.abc import Hashable
from enum import Enum

import structlog

from chat_gateway.protocol import codes, frames
from chat_gateway.protocol.codec import Codec, Malformed
from chat_gateway.realtime.context import Context, Disconnected
from chat_gateway.realtime.link import Link
from chat_gateway.realtime.outbox import Outbox
from chat_gateway.realtime.ports import User
from shared.errors import AppError, InvalidInput, Unavailable

_log = structlog.get_logger(__name__)

_ALONE = (frames.Connect, frames.Subscribe, frames.Unsubscribe, frames.Refresh, frames.SubRefresh)


class State(Enum):
    NEW = "new"
    CONNECTING = "connecting"
    CONNECTED = "connected"
    REFUSED = "refused"
    CLOSED = "closed"


class Session:
    """`channels` maps what the session is subscribed to onto whether the server made the subscription.

    `regained` names channels the user was let into while the session was on them (see `Subscriber.gain`).
    """

    __slots__ = (
        "_alone",
        "_fault_minute",
        "_faults",
        "_in_flight",
        "_leaving",
        "_queue",
        "awaiting_pong",
        "channels",
        "client_id",
        "codec",
        "context",
        "link",
        "outbox",
        "paused",
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
        self.outbox = Outbox(link, context.flusher, self._overflowed)
        self.state = State.NEW
        self.client_id = str(uuid.uuid4())
        self.user: User | None = None
        self.user_id = ""
        self.channels: dict[str, bool] = {}
        self.regained: frozenset[str] = frozenset()
        self.reserved = 0
        self.awaiting_pong = False
        self._queue: deque[frames.Command] = deque()
        self._alone = False
        self._in_flight = 0
        self.paused = False
        self._leaving = False
        self._faults = 0
        self._fault_minute = 0
        context.wheel.after(context.limits.connect_seconds, self._stale)

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

    def send(self, message: bytes) -> None:
        """Queue one protocol message; nothing once the session is closed."""
        if not self.closed:
            self.outbox.put(self.link.wrap(message))

    def received(self, payload: bytes) -> None:
        if self.closed:
            return
        try:
            commands = self.codec.decode(payload)
        except Malformed as malformed:
            _log.info("session.malformed", problem=str(malformed))
            self.close(codes.BAD_REQUEST)
            return
        for command in commands:
            if isinstance(command.request, frames.Pong):
                self.context.heartbeat.pong(self)
            else:
                self._queue.append(command)
        self._pump()

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
        self.channels.pop(channel, None)
        self.send(
            self.codec.push(
                channel, frames.UnsubscribePush(codes.SERVER_UNSUBSCRIBE.code, codes.SERVER_UNSUBSCRIBE.reason)
            )
        )
        # what is still in user space may hold what the user must not get any more
        self.context.wheel.after(self.context.limits.abort_after_loss_seconds, self._abort_if_held)
        self.context.subscriber.stay_off(self, channel)

    def outdated(self, channel: str) -> None:
        self.context.subscriber.restart(self, channel)

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

    def _pump(self) -> None:
        while self._queue and not self._alone and self._in_flight < self.context.limits.in_flight:
            self._start(self._queue.popleft())
        waiting = bool(self._queue) and not self.closed
        if waiting and not self.paused:
            self.link.pause()
        elif self.paused and not waiting and not self.closed:
            self.link.resume()
        self.paused = waiting

    def _start(self, command: frames.Command) -> None:
        if (refusal := self._breach(command)) is not None:
            self.close(refusal)
            return
        if command.request is None:
            self._fault(command)
            return
        self._in_flight += 1
        self._alone = isinstance(command.request, _ALONE)
        if isinstance(command.request, frames.Connect):
            self.state = State.CONNECTING
        self.context.spawn(self._run(command.id, command.request))

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

    async def _run(self, command_id: int, request: frames.Request) -> None:
        try:
            result = await self.context.commands.run(self, command_id, request)
            if result is not None:
                self.send(self.codec.reply(command_id, result))
        except Disconnected as gone:
            self.close(gone.disconnect)
        except AppError as error:
            self._refuse(command_id, error)
        except Exception:  # noqa: BLE001 - the boundary of a command: logged, answered, and the session lives on
            _log.exception("session.command_failed", command=type(request).__name__)
            self._refuse(command_id, Unavailable("internal", "Something went wrong here; try again."))
        self._in_flight -= 1
        if isinstance(request, _ALONE):
            self._alone = False
        self._pump()

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
            self._queue.clear()

    def _stale(self) -> None:
        if self.state is State.CONNECTING:
            self.close(codes.SERVER_ERROR)  # it is we who are slow: the client may come back
        elif self.state in (State.NEW, State.REFUSED):
            self.close(codes.STALE)

    def _overflowed(self) -> None:
        self.close(codes.SLOW)

    def _abort_if_held(self) -> None:
        if self.outbox.held() and not self.closed:
            self.abort()
