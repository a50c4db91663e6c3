"""A request's connection leaves aiohttp: from then on it is a link's, and nobody but the owner of the links keeps it.

aiohttp routes and judges the request; after that it knows nothing of the connection any more, which saves ten times the
memory. Neither the runner's count nor its shutdown reaches such a connection.
"""

import asyncio

from aiohttp import web
from aiohttp.abc import AbstractStreamWriter
from typing_extensions import override

from shared.errors import InvalidInput


class Detached(web.StreamResponse):
    """What aiohttp gets for an answer: it was sent already, on a transport that is not aiohttp's any more."""

    @override
    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        return None

    @override
    async def write_eof(self, data: bytes = b"") -> None: ...


class _EarlyBytes:
    """Collects from aiohttp what the client sent behind its request."""

    def __init__(self) -> None:
        self.data = b""

    def feed_data(self, data: bytes) -> tuple[bool, bytes]:
        self.data += data
        return False, b""

    def feed_eof(self) -> None: ...


def transport_of(request: web.Request) -> asyncio.Transport:
    """The request's connection. Raises InvalidInput, which nobody reads, where the client has gone meanwhile."""
    if request.transport is None:
        raise InvalidInput("invalid_request", "The client has gone.")
    return request.transport


def take_over(request: web.Request, transport: asyncio.Transport, protocol: asyncio.Protocol) -> bytes:
    """Detach the request's handler from its transport, in the one order that works.

    Answers the bytes that came behind an upgrade; requests that came behind any other request are dropped.

    aiohttp documents neither the parser's place nor that `transport` may be assigned: its version is pinned, and tests
    hold all of this. `set_parser` undoes a pause of the buffer and needs the transport for it; with the transport
    still there `connection_lost` would close it.
    """
    handler = request.protocol
    early = _EarlyBytes()
    transport.set_protocol(protocol)
    handler.set_parser(early)  # type: ignore[arg-type] # of its own reader it uses these two methods
    handler.transport = None
    handler.connection_lost(None)
    if not transport.is_reading():
        transport.resume_reading()  # paused for the requests behind this one, which nobody will take
    return early.data
