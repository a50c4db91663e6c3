"""One WebSocket connection: frames in, messages to the receiver; bytes of the receiver out, one system call each."""

import asyncio

from typing_extensions import override

from chat_gateway.protocol.codec import Codec
from chat_gateway.realtime.refusals import Reason, refused
from chat_gateway.transports import ws_parser
from chat_gateway.transports.socket_link import MESSAGE_LIMIT_BYTES, SocketLink
from chat_gateway.transports.ws_parser import BINARY, CLOSE, PING, TEXT, Parser, Violation

CONTROLS_A_SECOND = 64


class WebSocketLink(SocketLink):
    """The transport's end of a connection, a `realtime.link.Link`."""

    __slots__ = ("_controls", "_controls_since", "_parser")

    session = ""

    def __init__(
        self, transport: asyncio.Transport, *, codec: Codec, address: str, limit_bytes: int = MESSAGE_LIMIT_BYTES
    ) -> None:
        super().__init__(transport, codec=codec, address=address)
        self._parser = Parser(limit_bytes=limit_bytes)
        self._controls = 0
        self._controls_since = 0.0

    def wrap(self, payload: bytes) -> bytes:
        return ws_parser.encode(BINARY if self.codec.binary else TEXT, payload)

    def close(self, code: int, reason: str) -> None:
        self._finish(ws_parser.close_frame(code, reason))

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

    def _deliver(self) -> None:
        try:
            while not self._paused and not self._closing:
                event = self._parser.next()
                if event is None:
                    return
                self._take(*event)
        except Violation as violation:
            if violation.code == ws_parser.TOO_BIG:
                refused(Reason.MESSAGE_SIZE)
            self.close(violation.code, violation.reason)

    def _take(self, opcode: int, payload: bytes) -> None:
        if opcode in (TEXT, BINARY):  # either kind, as other servers do: the encoding was agreed in the handshake
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

    @override
    def _finish(self, last_words: bytes) -> None:
        if self._paused and not self._closing:
            self._transport.resume_reading()
        super()._finish(last_words)
