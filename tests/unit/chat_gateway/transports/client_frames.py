"""WebSocket frames as a client sends them, right or wrong, and a parser run over them."""

import struct
from collections.abc import Iterable, Iterator

from chat_gateway.transports.ws_parser import Event, Parser

MASK = b"\x37\xfa\x21\x3d"


def xor(payload: bytes, mask: bytes = MASK) -> bytes:
    return bytes(byte ^ mask[index % 4] for index, byte in enumerate(payload))


def head(opcode: int, length: int, *, fin: bool = True, masked: bool = True, rsv: int = 0, form: int = 0) -> bytes:
    """A header without its mask. `form` 2 or 8 forces a longer length field than needed."""
    first = (0x80 if fin else 0) | rsv << 4 | opcode
    bit = 0x80 if masked else 0
    if form == 8 or (not form and length >= 1 << 16):
        return struct.pack("!BBQ", first, bit | 127, length)
    if form == 2 or (not form and length > 125):
        return struct.pack("!BBH", first, bit | 126, length)
    return struct.pack("!BB", first, bit | length)


def frame(opcode: int, payload: bytes = b"", *, fin: bool = True, rsv: int = 0, form: int = 0) -> bytes:
    return head(opcode, len(payload), fin=fin, rsv=rsv, form=form) + MASK + xor(payload)


def text(payload: str | bytes, *, fin: bool = True) -> bytes:
    return frame(1, payload.encode() if isinstance(payload, str) else payload, fin=fin)


def close(code: int | None = 1000, reason: bytes = b"") -> bytes:
    return frame(8, b"" if code is None else code.to_bytes(2) + reason)


def drained(parser: Parser, pieces: Iterable[bytes]) -> Iterator[Event]:
    for piece in pieces:
        parser.feed(piece)
        while (event := parser.next()) is not None:
            yield event
