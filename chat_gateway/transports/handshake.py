"""The opening handshake of a WebSocket: whether this request may become one, and the bytes that say yes.

No cookie is read, so a page of another site has nothing to ride on; a browser's Origin must be a known one all the
same. What runs without a browser sends none and is let in. No extension is ever accepted.
"""

import base64
import binascii
import hashlib
from collections.abc import Collection

import msgspec
from aiohttp import HttpVersion11, web

from chat_gateway.transports.origins import check_origin
from shared.errors import AppError, InvalidInput

VERSION = "13"

_KEY_BYTES = 16
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, 1.3
_JSON, _PROTOBUF = "centrifuge-json", "centrifuge-protobuf"


class UpgradeRequired(AppError):
    """The request is none for this address; it must ask for a WebSocket of our version."""

    status = 426


class Handshake(msgspec.Struct, frozen=True):
    """A request that may become a WebSocket. `subprotocol` is empty where none is chosen: JSON, unless asked else."""

    key: str
    subprotocol: str
    protobuf: bool = False

    def response(self) -> bytes:
        accept = base64.b64encode(hashlib.sha1(self.key.encode() + _GUID, usedforsecurity=False).digest())
        chosen = b"Sec-WebSocket-Protocol: %b\r\n" % self.subprotocol.encode() if self.subprotocol else b""
        return (
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: %b\r\n%b\r\n" % (accept, chosen)
        )


def check(request: web.Request, *, origins: Collection[str]) -> Handshake:
    """Raises UpgradeRequired, InvalidInput or Forbidden, each with a sentence that says what to do."""
    _check_upgrade(request)
    keys = request.headers.getall("Sec-WebSocket-Key", [])
    if len(keys) != 1 or not _is_key(keys[0]):
        raise InvalidInput("invalid_request", "Send one Sec-WebSocket-Key: 16 bytes in base64.")
    check_origin(request, origins=origins)
    subprotocol, protobuf = _agree(request)
    return Handshake(keys[0], subprotocol, protobuf)


def _check_upgrade(request: web.Request) -> None:
    upgrade = ",".join(request.headers.getall("Upgrade", []))
    options = {option.strip().lower() for option in ",".join(request.headers.getall("Connection", [])).split(",")}
    # Exactly what aiohttp's parser takes for an upgrade: else bytes after the head were read as a next request.
    asks = request.method == "GET" and request.version == HttpVersion11 and upgrade.lower() == "websocket"
    if not asks or "upgrade" not in options:
        raise UpgradeRequired("upgrade_required", "This address speaks WebSocket: connect with a WebSocket client.")
    if request.headers.getall("Sec-WebSocket-Version", []) != [VERSION]:
        raise UpgradeRequired("upgrade_required", f"Connect with WebSocket version {VERSION}.")
    if request.body_exists:
        raise InvalidInput("invalid_request", "Send no body with the request for a WebSocket.")


def _is_key(key: str) -> bool:
    try:
        return len(base64.b64decode(key, validate=True)) == _KEY_BYTES
    except (binascii.Error, ValueError):
        return False


def _agree(request: web.Request) -> tuple[str, bool]:
    """Choose subprotocol and encoding: the client's first that we know; the query asks where no header can be set."""
    offered = [name.strip() for name in ",".join(request.headers.getall("Sec-WebSocket-Protocol", [])).split(",")]
    known = [name for name in offered if name in (_JSON, _PROTOBUF)]
    if "protobuf" not in (request.query.get("format"), request.query.get("cf_protocol")):
        chosen = known[0] if known else ""
        return chosen, chosen == _PROTOBUF
    if known and _PROTOBUF not in known:
        raise InvalidInput("invalid_request", "Ask for one encoding: the address says protobuf, the subprotocol JSON.")
    return _PROTOBUF if known else "", True
