"""`/connection/http_stream`, for networks that break WebSockets: replies as lines of JSON, or as Protobuf."""

from collections.abc import Callable, Collection, Mapping

from aiohttp import web
from aiohttp.typedefs import Handler
from typing_extensions import override

from chat_gateway.protocol.json_codec import JSON
from chat_gateway.protocol.protobuf_codec import PROTOBUF
from chat_gateway.realtime.link import Link, Receiver
from chat_gateway.transports.emulated_link import EmulatedLink
from chat_gateway.transports.emulation import PROTOBUF_TYPE, Links, body_of, is_protobuf
from chat_gateway.transports.hand_over import transport_of
from chat_gateway.transports.origins import shared_with
from shared.errors import InvalidInput
from shared.web import client_address


class HttpStreamLink(EmulatedLink):
    __slots__ = ()

    @property
    @override
    def content_type(self) -> str:
        return PROTOBUF_TYPE if self.codec.binary else "application/json"

    @override
    def wrap(self, payload: bytes) -> bytes:
        return payload if self.codec.binary else payload + b"\n"


def handler(
    *,
    origins: Collection[str],
    links: Links,
    accept: Callable[[Link], Receiver],
    admit: Callable[[], None] = lambda: None,
) -> Handler:
    """Serve POST and the preflight of a browser; the request's body holds the first commands.

    `admit` raises AppError where there is no room for one more connection now.
    """

    async def open_stream(request: web.Request, headers: Mapping[str, str]) -> web.StreamResponse:
        admit()
        first = await body_of(request, limit_bytes=links.limit_bytes)
        if not first:
            raise InvalidInput("invalid_request", "Send the first commands as the request's body.")
        codec = PROTOBUF if is_protobuf(request) else JSON
        link = HttpStreamLink(transport_of(request), codec=codec, address=client_address(request), links=links)
        return link.begin(request, first, headers=headers, accept=accept)

    return shared_with(origins, open_stream)
