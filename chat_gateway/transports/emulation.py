"""The client's half of a connection over plain HTTP: each request brings commands for a link that is somewhere.

The session's secret says which, the node says where. On this instance the link takes the commands; else they go to the
owner by the bus, which answers nothing but whether there is an instance of that name. Requests run side by side, so no
order of commands is promised. The secret is a bearer's: it is in no log, and only a hash of it leaves this process.
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Annotated, Protocol

import msgspec
import structlog
from aiohttp import web
from aiohttp.typedefs import Handler
from google.protobuf.message import DecodeError

from chat_gateway.protocol import client_pb2
from chat_gateway.transports.origins import shared_with
from chat_gateway.transports.socket_link import MESSAGE_LIMIT_BYTES
from shared.errors import InvalidInput, NotFound, TooLarge
from shared.web import read_body

PROTOBUF_TYPE = "application/octet-stream"
BODY_SECONDS = 5.0

_ESCAPES = 4  # the commands are a JSON string inside of JSON
_VERSION = b"\x01"
_DIGEST_BYTES = 32

_log = structlog.get_logger(__name__)


class Emulated(Protocol):
    """A link whose client sends in requests of its own."""

    session: str

    def received(self, payload: bytes) -> None:
        """Take one message of the client. Ignored once the link is closing."""


class Links:
    """The emulated links of this instance by the hash of their secret, so that a search tells nothing by its time.

    `limit_bytes` bounds each message of their clients.
    """

    def __init__(self, *, limit_bytes: int = MESSAGE_LIMIT_BYTES) -> None:
        self.limit_bytes = limit_bytes
        self._links: dict[bytes, Emulated] = {}

    def enter(self, link: Emulated) -> None:
        self._links[_digest(link.session)] = link

    def leave(self, link: Emulated) -> None:
        self._links.pop(_digest(link.session), None)

    def deliver(self, digest: bytes, payload: bytes) -> bool:
        """Answer whether there is such a link."""
        link = self._links.get(digest)
        if link is not None:
            link.received(payload)
        return link is not None


class _Sent(msgspec.Struct, frozen=True):
    session: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    node: Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
    data: str


_read_json = msgspec.json.Decoder(_Sent).decode


class Emulation:
    """`forward` sends to the instance of a name; see `realtime.ports.Bus.forward`."""

    def __init__(
        self,
        node: str,
        forward: Callable[[str, bytes], Awaitable[bool]],
        *,
        limit_bytes: int = MESSAGE_LIMIT_BYTES,
    ) -> None:
        self.links = Links(limit_bytes=limit_bytes)
        self._node = node
        self._forward = forward

    def handler(self, *, origins: Collection[str]) -> Handler:
        return shared_with(origins, self._take)

    def forwarded(self, message: bytes) -> None:
        """Take what another instance was sent for a link of ours, if that is still here."""
        payload_at = len(_VERSION) + _DIGEST_BYTES
        if message[: len(_VERSION)] != _VERSION or len(message) <= payload_at:
            _log.info("emulation.unreadable")
            return
        self.links.deliver(message[len(_VERSION) : payload_at], message[payload_at:])

    async def _take(self, request: web.Request, headers: Mapping[str, str]) -> web.Response:
        limit = self.links.limit_bytes
        body = await body_of(request, limit_bytes=_ESCAPES * limit)
        session, node, payload = (_of_protobuf if is_protobuf(request) else _of_json)(body)
        if not payload:
            raise InvalidInput("invalid_request", "Send at least one command in `data`.")
        if len(payload) > limit:
            raise TooLarge("body_too_large", f"`data` is too large; at most {limit} bytes are taken.")
        digest = _digest(session)
        if node == self._node:
            found = self.links.deliver(digest, payload)
        else:
            found = await self._forward(node, _VERSION + digest + payload)
        if not found:
            raise NotFound("session_not_found", "This connection is over, or it never was. Connect again.")
        return web.Response(status=204, headers=headers)


async def body_of(request: web.Request, *, limit_bytes: int) -> bytes:
    """The whole body. Raises TooLarge, and InvalidInput for one that comes too slowly."""
    try:
        async with asyncio.timeout(BODY_SECONDS):
            return await read_body(request.clone(client_max_size=limit_bytes))
    except TimeoutError as error:
        raise InvalidInput("invalid_request", "The body came too slowly. Send it at once.") from error


def is_protobuf(request: web.Request) -> bool:
    return request.content_type == PROTOBUF_TYPE


def _of_json(body: bytes) -> tuple[str, str, bytes]:
    try:
        sent = _read_json(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidInput("invalid_request", "Send `session`, `node` and `data`, all strings, as JSON.") from error
    return sent.session, sent.node, sent.data.encode()


def _of_protobuf(body: bytes) -> tuple[str, str, bytes]:
    try:
        sent = client_pb2.EmulationRequest.FromString(body)
    except DecodeError as error:
        raise InvalidInput("invalid_request", "Send an EmulationRequest of the protocol's schema.") from error
    return sent.session, sent.node, sent.data


def _digest(session: str) -> bytes:
    return hashlib.sha256(session.encode()).digest()
