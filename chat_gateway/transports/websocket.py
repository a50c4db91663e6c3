"""From an HTTP request to a WebSocket: checks, the 101, and the transport changes hands.

aiohttp routes and judges the request; after the 101 it knows nothing of the connection any more, which saves ten times
the memory. So nobody but the owner of the links keeps them: neither the runner's count nor its shutdown does.
"""

import asyncio
from collections.abc import Callable, Collection

from aiohttp import web
from aiohttp.abc import AbstractStreamWriter
from typing_extensions import override

from chat_gateway.protocol.json_codec import JSON
from chat_gateway.realtime.link import Link, Receiver
from chat_gateway.transports import handshake
from chat_gateway.transports.websocket_link import MESSAGE_LIMIT_BYTES, WebSocketLink
from shared import problems
from shared.web import REQUEST_ID, client_address


class _Detached(web.StreamResponse):
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


def upgrade(
    request: web.Request,
    *,
    origins: Collection[str],
    accept: Callable[[Link], Receiver],
    limit_bytes: int = MESSAGE_LIMIT_BYTES,
) -> web.StreamResponse:
    """Make the request's connection a link, or refuse. Raises AppError; returns what the handler has to return.

    `accept` may write, pause and close at once; what the client sent with its request comes after it returns.
    """
    try:
        agreed = handshake.check(request, origins=origins)
    except handshake.UpgradeRequired as error:
        response = problems.refusal(error, request.get(REQUEST_ID, ""))
        response.headers["Sec-WebSocket-Version"] = handshake.VERSION
        response.headers["Upgrade"] = "websocket"
        return response
    transport = request.transport
    if transport is None:
        return web.Response(status=400, text="The client has gone.")
    link = WebSocketLink(transport, codec=JSON, address=client_address(request), limit_bytes=limit_bytes)
    transport.write(agreed.response())
    early = _take_over(request, transport, link)
    try:
        link.attach(accept(link))
    except BaseException:
        link.abort()
        raise
    if early:
        link.data_received(early)
    return _Detached(status=101)


def _take_over(request: web.Request, transport: asyncio.Transport, link: WebSocketLink) -> bytes:
    """Detach the request's handler from its transport, in the one order that works; the bytes it had read already.

    aiohttp documents neither the parser's place nor that `transport` may be assigned: its version is pinned, and tests
    hold all of this. `set_parser` undoes a pause of the buffer and needs the transport for it; with the transport
    still there `connection_lost` would close it.
    """
    handler = request.protocol
    early = _EarlyBytes()
    transport.set_protocol(link)
    handler.set_parser(early)  # type: ignore[arg-type] # of its own reader it uses these two methods
    handler.transport = None
    handler.connection_lost(None)
    return early.data
