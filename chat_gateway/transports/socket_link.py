"""What every link on a socket of its own does alike: writes, the kernel's limit, and one end, whoever brings it.

A link that is closing sends its last words and its end of file, drops what still comes, and gets one second; then it is
aborted. So neither a peer that does not answer nor one that does not read can keep it.
"""

import asyncio

from typing_extensions import override

from chat_gateway.protocol.codec import Codec
from chat_gateway.realtime.link import Receiver

MESSAGE_LIMIT_BYTES = 256 * 1024
"""Of one message of the client, on every transport."""

CLOSE_SECONDS = 1.0


class SocketLink(asyncio.Protocol):
    """The transport's end of a connection; a subclass makes a `realtime.link.Link` of it."""

    __slots__ = ("_blocked", "_closing", "_deadline", "_paused", "_receiver", "_transport", "address", "codec")

    def __init__(self, transport: asyncio.Transport, *, codec: Codec, address: str) -> None:
        self.codec = codec
        self.address = address
        self._transport = transport
        self._receiver: Receiver = _NOBODY
        self._closing = self._paused = self._blocked = False
        self._deadline: asyncio.TimerHandle | None = None

    def attach(self, receiver: Receiver) -> None:
        """Tell this receiver from now on. Its `writable(False)` comes as soon as a byte stays in user space."""
        self._receiver = receiver
        self._transport.set_write_buffer_limits(high=0)

    def write(self, data: bytes) -> None:
        if not self._closing:
            self._transport.write(data)

    def buffered(self) -> int:
        return self._transport.get_write_buffer_size()

    def abort(self) -> None:
        self._closing = True
        self._transport.abort()

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

    def _finish(self, last_words: bytes) -> None:
        """Send them and our end of file; input is dropped from now on until the peer's own end of file."""
        if self._closing:
            return
        self._leave()
        if not self._transport.is_closing():
            self._transport.write(last_words)
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
