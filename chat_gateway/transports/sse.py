"""`/connection/sse`: replies as server-sent events, for the SDKs' own suites.

Never a part of the product: a browser can send the first commands in the address only, and so would the token.
"""

from collections.abc import Callable, Collection, Mapping

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler
from typing_extensions import override

from chat_gateway.protocol.json_codec import JSON
from chat_gateway.realtime.link import Link, Receiver
from chat_gateway.transports.emulated_link import EmulatedLink
from chat_gateway.transports.emulation import Links, body_of
from chat_gateway.transports.hand_over import transport_of
from chat_gateway.transports.origins import shared_with
from chat_gateway.transports.socket_link import MESSAGE_LIMIT_BYTES
from shared.errors import InvalidInput
from shared.web import client_address


class SseLink(EmulatedLink):
    __slots__ = ()

    @property
    @override
    def content_type(self) -> str:
        return "text/event-stream"

    @override
    def wrap(self, payload: bytes) -> bytes:
        return b"".join(b"data: %b\n\n" % reply for reply in payload.split(b"\n"))


def handler(*, origins: Collection[str], links: Links, accept: Callable[[Link], Receiver]) -> Handler:
    """Serve GET with the first commands in `cf_connect`, and POST with them in the body."""

    async def open_stream(request: web.Request, headers: Mapping[str, str]) -> web.StreamResponse:
        if request.method == hdrs.METH_POST:
            first = await body_of(request, limit_bytes=MESSAGE_LIMIT_BYTES)
        else:
            first = request.query.get("cf_connect", "").encode()
        if not first:
            raise InvalidInput("invalid_request", "Send the first commands: as `cf_connect`, or as the body of a POST.")
        link = SseLink(transport_of(request), codec=JSON, address=client_address(request), links=links)
        return link.begin(request, first, headers=headers, accept=accept)

    return shared_with(origins, open_stream)
