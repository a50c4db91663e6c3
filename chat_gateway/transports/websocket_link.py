"""One WebSocket connection: frames in, messages to the receiver; bytes of the receiver out, one system call each.

A link that is closing sends its Close and its end of file, drops what still comes, and gets one second; then it is
aborted. So neither a peer that does not answer nor one that does not read can keep it.
"""

import asyncio

from typing_extensions import override

from chat_gateway.protocol.codec import Codec
from chat_gateway.realtime.link import Receiver
from chat_gateway.transports import ws_parser
from chat_gateway.transports.ws_parser import BINARY, CLOSE, PING, TEXT, Parser, Violation

MESSAGE_LIMIT_BYTES = 256 * 1024
CLOSE_SECONDS = 1.0
CONTROLS_A_SECOND = 64


class WebSocketLink(asyncio.Protocol):
    """The transport's end of a connection, a `realtime.link.Link`."""

    __slots__ = (
        "_blocked",
        "_closing",
        "_controls",
        "_controls_since",
        "_deadline",
        "_parser",
        "_paused",
        "_receiver",
        "_transport",
        "address",
        "codec",
    )

    def __init__(
        self, transport: asyncio.Transport, *, codec: Codec, address: str, limit_bytes: int = MESSAGE_LIMIT_BYTES
    ) -> None:
        self.codec = codec
        self.address = address
        self._transport = transport
        self._parser = Parser(limit_bytes=limit_bytes)
        self._receiver: Receiver = _NOBODY
        self._closing = self._paused = self._blocked = False
        self._deadline: asyncio.TimerHandle | None = None
        self._controls = 0
        self._controls_since = 0.0

    def attach(self, receiver: Receiver) -> None:
        """Tell this receiver from now on. Its `writable(False)` comes as soon as a byte stays in user space."""
        self._receiver = receiver
        self._transport.set_write_buffer_limits(high=0)

    def write(self, data: bytes) -> None:
        if not self._closing:
            self._transport.write(data)

    def wrap(self, payload: bytes) -> bytes:
        return ws_parser.text_frame(payload)

    def buffered(self) -> int:
        return self._transport.get_write_buffer_size()

    def close(self, code: int, reason: str) -> None:
        self._finish(ws_parser.close_frame(code, reason))

    def abort(self) -> None:
        self._closing = True
        self._transport.abort()

    def pause(self) -> None:
        """Stop, even between two messages of one read."""
        if not self._paused and not self._closing:
            self._paused = True
            self._transport.pause_reading()

    def resume(self) -> None:
        """Go on, not before the next tick: the receiver is not called back from within its own call."""
        if self._paused and not self._closing:
            self._paused = False
            self._transport.resume_reading()
            asyncio.get_running_loop().call_soon(self._deliver)

    @override
    def data_received(self, data: bytes) -> None:
        if not self._closing:
            self._parser.feed(data)
            self._deliver()

    @override
    def eof_received(self) -> None:
        self._leave()

    @override
    def pause_writing(self) -> None:
        self._blocked = True
        if not self._closing:
            self._receiver.writable(False)

    @override
    def resume_writing(self) -> None:
        self._blocked = False
        if not self._closing:
            self._receiver.writable(True)

    @override
    def connection_lost(self, _exc: Exception | None) -> None:
        self._closing = True
        if self._deadline is not None:
            self._deadline.cancel()
        receiver, self._receiver = self._receiver, _NOBODY  # no cycle: a lost connection is freed at once
        receiver.lost()

    def _deliver(self) -> None:
        try:
            while not self._paused and not self._closing:
                event = self._parser.next()
                if event is None:
                    return
                self._take(*event)
        except Violation as violation:
            self.close(violation.code, violation.reason)

    def _take(self, opcode: int, payload: bytes) -> None:
        if opcode in (TEXT, BINARY):
            self._receiver.received(payload)
        elif opcode == CLOSE:
            self._finish(ws_parser.encode(CLOSE, payload[:2]))
        else:
            self._answer_control(opcode, payload)

    def _answer_control(self, opcode: int, payload: bytes) -> None:
        """Answer a ping, unless the client does not read what it asks for. A flood ends the connection."""
        now = asyncio.get_running_loop().time()
        if now - self._controls_since >= 1:
            self._controls, self._controls_since = 0, now
        self._controls += 1
        if self._controls > CONTROLS_A_SECOND:
            self.close(ws_parser.POLICY, "too many pings")
        elif opcode == PING and not self._blocked:
            self._transport.write(ws_parser.encode(ws_parser.PONG, payload))

    def _finish(self, close_frame: bytes) -> None:
        """Send the Close and our end of file; input is dropped from now on until the peer's own end of file."""
        if self._closing:
            return
        if self._paused:
            self._transport.resume_reading()
        self._leave()
        if not self._transport.is_closing():
            self._transport.write(close_frame)
            self._transport.write_eof()

    def _leave(self) -> None:
        self._closing = True
        if self._deadline is None:
            self._deadline = asyncio.get_running_loop().call_later(CLOSE_SECONDS, self._transport.abort)


class _Nobody:
    """Stands in before a receiver is attached and after it was told of the end."""

    def received(self, payload: bytes) -> None: ...

    def writable(self, _on: bool) -> None: ...  # noqa: FBT001 - as the port has it

    def lost(self) -> None: ...


_NOBODY = _Nobody()
