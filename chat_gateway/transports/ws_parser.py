"""The server's side of RFC 6455 framing: bytes to messages, and frames to bytes. No I/O, no extensions.

`feed` takes what came, `next` gives what is complete, one frame of interest at a time, so that a caller may stop
between two messages. What breaks the rules raises Violation once; after it, and after the peer's Close, input is
ignored. Sizes are judged from the header, before the payload is there.
"""

import codecs
from typing import Final, TypeAlias

CONTINUATION: Final = 0
TEXT: Final = 1
BINARY: Final = 2
CLOSE: Final = 8
PING: Final = 9
PONG: Final = 10

MAX_FRAGMENTS = 1024

_FIN: Final = 0x80
_MASKED: Final = 0x80
_RESERVED: Final = 0x70
_FINAL_TEXT: Final = _FIN | TEXT
_OPCODES = frozenset({CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG})
_MAX_CONTROL_PAYLOAD: Final = 125
_TWO_BYTE_LENGTH: Final = 126
_MASK_BYTES: Final = 4
_SHORT_HEAD, _LONG_HEAD = 4, 10
_NORMAL, _PROTOCOL_ERROR, _NO_STATUS, _NOT_UTF8, POLICY, TOO_BIG = 1000, 1002, 1005, 1007, 1008, 1009
_CLOSE_CODES = frozenset({1000, 1001, 1002, 1003, *range(1007, 1015), *range(3000, 5000)})

Event: TypeAlias = tuple[int, bytes]
"""The opcode and payload of a whole TEXT or BINARY message, a PING, a PONG, or a CLOSE (code and reason as sent)."""

_incremental_utf8 = codecs.getincrementaldecoder("utf-8")


class Violation(Exception):
    """The peer broke the rules: the Close code and reason to send."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(code, reason)
        self.code = code
        self.reason = reason


class Parser:
    """Holds a read's bytes as they came; only a frame that is split over reads is gathered in a bytearray."""

    __slots__ = ("_at", "_buffer", "_decoder", "_fragments", "_limit", "_needed", "_opcode", "_over", "_size")

    def __init__(self, *, limit_bytes: int) -> None:
        self._limit = limit_bytes
        self._buffer: bytes | bytearray = b""
        self._at = 0
        self._needed = 2
        self._over = False
        self._opcode = CONTINUATION  # of the message under way; CONTINUATION stands for none
        self._fragments: list[bytes] = []
        self._size = 0
        self._decoder: codecs.IncrementalDecoder | None = None

    def feed(self, data: bytes) -> None:
        if self._over:
            return
        if not self._buffer:
            self._buffer = data
            return
        if not isinstance(self._buffer, bytearray):
            self._buffer = bytearray(self._buffer)
        del self._buffer[: self._at]
        self._at = 0
        self._buffer += data

    def next(self) -> Event | None:
        """The next event, None if the bytes so far hold no further one. Raises Violation."""
        try:
            while len(self._buffer) - self._at >= self._needed:
                event = self._frame()
                if event is not None:
                    return event
        except Violation:
            self._end()
            raise
        return None

    def _end(self) -> None:
        self._over = True
        self._buffer, self._at, self._needed = b"", 0, 2
        self._fragments = []

    def _frame(self) -> Event | None:
        """Take one frame off the buffer if it is complete, else note how many bytes that needs."""
        buffer, at = self._buffer, self._at
        first, second = buffer[at], buffer[at + 1]
        if first != _FINAL_TEXT or second < _MASKED or self._opcode:
            self._check(first, second)
        length = second & 0x7F
        head = 2
        if length >= _TWO_BYTE_LENGTH:
            head = _SHORT_HEAD if length == _TWO_BYTE_LENGTH else _LONG_HEAD
            if len(buffer) - at < head:
                self._needed = head
                return None
            length = _extended_length(buffer[at + 2 : at + head])
        if self._size + length > self._limit and first & 0x0F < CLOSE:
            raise Violation(TOO_BIG, f"message over {self._limit} bytes")
        start = at + head + _MASK_BYTES
        end = start + length
        if len(buffer) < end:
            self._needed = end - at
            return None
        key = int.from_bytes((buffer[start - _MASK_BYTES : start] * (length // _MASK_BYTES + 1))[:length])
        payload = (int.from_bytes(buffer[start:end]) ^ key).to_bytes(length)
        self._needed = 2
        self._at = end
        if end == len(buffer):
            self._buffer, self._at = b"", 0
        return self._event(first, payload)

    def _check(self, first: int, second: int) -> None:
        opcode = first & 0x0F
        if first & _RESERVED or opcode not in _OPCODES:
            raise Violation(_PROTOCOL_ERROR, "reserved bits or opcode")
        if second < _MASKED:
            raise Violation(_PROTOCOL_ERROR, "frame is not masked")
        if opcode >= CLOSE:
            if first < _FIN or second & 0x7F > _MAX_CONTROL_PAYLOAD:
                raise Violation(_PROTOCOL_ERROR, "control frame fragmented or too long")
        elif (opcode == CONTINUATION) != (self._opcode != CONTINUATION):
            raise Violation(_PROTOCOL_ERROR, "fragments out of order")

    def _event(self, first: int, payload: bytes) -> Event | None:
        opcode = first & 0x0F
        if opcode >= CLOSE:
            if opcode == CLOSE:
                self._end()
                _check_close(payload)
            return opcode, payload
        if self._opcode or first < _FIN:
            return self._fragment(opcode, payload, final=first >= _FIN)
        if opcode == TEXT and not payload.isascii():
            _check_utf8(payload)
        return opcode, payload

    def _fragment(self, opcode: int, payload: bytes, *, final: bool) -> Event | None:
        if opcode != CONTINUATION:
            self._opcode = opcode
            self._decoder = _incremental_utf8() if opcode == TEXT else None
        self._fragments.append(payload)
        self._size += len(payload)
        if len(self._fragments) > MAX_FRAGMENTS:
            raise Violation(POLICY, f"message in over {MAX_FRAGMENTS} fragments")
        if self._decoder is not None:
            _check_utf8(payload, self._decoder, final=final)
        if not final:
            return None
        event = self._opcode, b"".join(self._fragments)
        self._fragments, self._decoder = [], None
        self._opcode, self._size = CONTINUATION, 0
        return event


def _extended_length(encoded: bytes | bytearray) -> int:
    """Read a 16 or 64 bit length. Only the shortest form is legal, and the highest of 64 bits must be 0."""
    length = int.from_bytes(encoded)
    shortest = _TWO_BYTE_LENGTH if len(encoded) == 2 else 1 << 16  # noqa: PLR2004 - bytes of the short form
    if not shortest <= length < 1 << 63:
        raise Violation(_PROTOCOL_ERROR, "length not in its shortest form")
    return length


def _check_utf8(payload: bytes, decoder: codecs.IncrementalDecoder | None = None, *, final: bool = True) -> None:
    try:
        if decoder is None:
            payload.decode()
        else:
            decoder.decode(payload, final)
    except UnicodeDecodeError as error:
        raise Violation(_NOT_UTF8, "text is not UTF-8") from error


def _check_close(payload: bytes) -> None:
    if payload and close_code(payload) not in _CLOSE_CODES:  # a single byte is none of them either
        raise Violation(_PROTOCOL_ERROR, "invalid close code")
    _check_utf8(payload[2:])


def close_code(payload: bytes) -> int:
    """The code of a CLOSE event; 1005 if the peer gave none."""
    return int.from_bytes(payload[:2]) if payload else _NO_STATUS


def encode(opcode: int, payload: bytes) -> bytes:
    """One final, unmasked frame."""
    length = len(payload)
    if length < _TWO_BYTE_LENGTH:
        return b"%c%c%b" % (_FIN | opcode, length, payload)
    if length < 1 << 16:
        return b"%c\x7e%b%b" % (_FIN | opcode, length.to_bytes(2), payload)
    return b"%c\x7f%b%b" % (_FIN | opcode, length.to_bytes(8), payload)


def close_frame(code: int = _NORMAL, reason: str = "") -> bytes:
    """A Close, its reason cut between two characters to what a control frame holds."""
    text = reason.encode()[: _MAX_CONTROL_PAYLOAD - 2].decode(errors="ignore").encode()
    return encode(CLOSE, code.to_bytes(2) + text)
