"""A connection over plain HTTP: the server speaks in one endless answer, the client in requests of its own.

HTTP knows no close code, so the last message of the answer is a disconnect push. The answer has no length and ends with
the connection, which every version of HTTP understands.
"""

import asyncio
import secrets
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Mapping

from aiohttp import web
from typing_extensions import override

from chat_gateway.protocol import codes
from chat_gateway.protocol.codec import Codec
from chat_gateway.protocol.frames import DisconnectPush
from chat_gateway.realtime.link import Link, Receiver
from chat_gateway.transports.emulation import Links
from chat_gateway.transports.hand_over import Detached, take_over
from chat_gateway.transports.socket_link import SocketLink
from shared.web import REQUEST_ID

WEIGHT_BYTES = 64
"""What a message counts beside its payload: many small ones must not hide behind it."""

_HEADERS = {
    "Cache-Control": "no-store",
    "Connection": "close",
    "X-Accel-Buffering": "no",
    "X-Content-Type-Options": "nosniff",
}


class EmulatedLink(SocketLink, ABC):
    """The answer's end of a connection, a `realtime.link.Link`.

    What comes while the receiver pauses is kept, up to a limit: there is nothing to push back on, so beyond it the
    client is sent away for a while.
    """

    __slots__ = ("_backlog", "_backlog_bytes", "_links", "session")

    def __init__(self, transport: asyncio.Transport, *, codec: Codec, address: str, links: Links) -> None:
        super().__init__(transport, codec=codec, address=address)
        self.session = secrets.token_urlsafe(32)
        self._links = links
        self._backlog: deque[bytes] = deque()
        self._backlog_bytes = 0

    @property
    @abstractmethod
    def content_type(self) -> str:
        """Name what the answer is made of."""

    @abstractmethod
    def wrap(self, payload: bytes) -> bytes:
        """Frame one payload of the codec."""

    def begin(
        self, request: web.Request, first: bytes, *, headers: Mapping[str, str], accept: Callable[[Link], Receiver]
    ) -> web.StreamResponse:
        """Start the answer, with these headers, and take the first commands; returns what the handler must return."""
        own = {"Content-Type": self.content_type, "X-Request-Id": request.get(REQUEST_ID, "")}
        head = "".join(f"{name}: {value}\r\n" for name, value in {**own, **_HEADERS, **headers}.items())
        self._transport.write(f"HTTP/1.1 200 OK\r\n{head}\r\n".encode())
        take_over(request, self._transport, self)
        self._links.enter(self)
        try:
            self.attach(accept(self))
        except BaseException:
            self.abort()
            raise
        self.received(first)
        return Detached(status=200)

    def received(self, payload: bytes) -> None:
        """Take one message that the client sent with a request. Ignored once the link is closing."""
        if self._closing:
            return
        self._backlog.append(payload)
        self._backlog_bytes += _weight(payload)
        self._deliver()
        if self._backlog_bytes > self._links.limit_bytes + WEIGHT_BYTES:
            self.close(codes.TOO_MANY_REQUESTS.code, codes.TOO_MANY_REQUESTS.reason)

    def close(self, code: int, reason: str) -> None:
        self._finish(self.wrap(self.codec.push("", DisconnectPush(code, reason))))

    def pause(self) -> None:
        """Stop, even between two messages that wait already."""
        self._paused = True

    def resume(self) -> None:
        """Go on, not before the next tick: the receiver is not called back from within its own call."""
        if self._paused:
            self._paused = False
            asyncio.get_running_loop().call_soon(self._deliver)

    @override
    def data_received(self, data: bytes) -> None:
        """Drop what comes behind the request: the answer said that the connection ends with it."""

    @override
    def connection_lost(self, _exc: Exception | None) -> None:
        self._links.leave(self)
        self._backlog.clear()
        super().connection_lost(_exc)

    def _deliver(self) -> None:
        while self._backlog and not self._paused and not self._closing:
            payload = self._backlog.popleft()
            self._backlog_bytes -= _weight(payload)
            self._receiver.received(payload)


def _weight(payload: bytes) -> int:
    return len(payload) + WEIGHT_BYTES
