"""From an HTTP request to a WebSocket: checks, the 101, and the connection changes hands."""

from collections.abc import Callable, Collection

from aiohttp import web

from chat_gateway.protocol.json_codec import JSON
from chat_gateway.protocol.protobuf_codec import PROTOBUF
from chat_gateway.realtime.link import Link, Receiver
from chat_gateway.transports import handshake
from chat_gateway.transports.hand_over import Detached, take_over, transport_of
from chat_gateway.transports.socket_link import MESSAGE_LIMIT_BYTES
from chat_gateway.transports.websocket_link import WebSocketLink
from shared import problems
from shared.web import REQUEST_ID, client_address


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
    transport = transport_of(request)
    codec = PROTOBUF if agreed.protobuf else JSON
    link = WebSocketLink(transport, codec=codec, address=client_address(request), limit_bytes=limit_bytes)
    transport.write(agreed.response())
    early = take_over(request, transport, link)
    try:
        link.attach(accept(link))
    except BaseException:
        link.abort()
        raise
    if early:
        link.data_received(early)
    return Detached(status=101)
