"""Whether bytes that are only passed on are JSON that no reader chokes on: UTF-8, and not nested too deep.

A decoder skips such bytes unseen; whoever reads them later, a browser or a database, must not be the first to look.
"""

import re

import msgspec

MAX_DEPTH = 8
"""Levels of a whole command."""

DATA_DEPTH = MAX_DEPTH - 2
"""Levels of its `data`: it stands in a request, which stands in the command."""

_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)  # always matches at a quote, so never quadratic
_SQUARE_TO_CURLY = bytes.maketrans(b"[]", b"{}")
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_ESCAPE = re.compile(
    rb"\\(?:(?P<pair>u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})|(?P<lone>u[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)
_decode_unread = msgspec.json.Decoder(msgspec.Raw).decode


class Unreadable(msgspec.DecodeError):
    """Refuses what a decoder would fail at in a way of its own, or not at all. Does not quote the text."""


def readable(data: bytes, *, levels: int = DATA_DEPTH) -> bytes:
    """Prepare a client's opaque bytes for a decoder that expects JSON, whichever encoding brought them.

    What comes back fails there by nothing else than a DecodeError. Raises Unreadable, which is one.
    """
    if not is_utf8(data):
        raise Unreadable("not UTF-8")
    if not is_shallow(data, levels=levels):
        raise Unreadable(f"nested deeper than {levels} levels, or brackets without their match")
    return without_lone_surrogates(data) if rb"\ud" in data or rb"\uD" in data else data


def is_json(data: bytes) -> bool:
    """Whether a client of the JSON variant can be sent this: one JSON value, on one line."""
    try:
        _decode_unread(readable(data))
    except msgspec.DecodeError:
        return False
    return b"\n" not in data


def is_utf8(text: bytes) -> bool:
    if text.isascii():
        return True
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


def is_shallow(text: bytes, *, levels: int = MAX_DEPTH) -> bool:
    """Whether brackets match and are nested no deeper than this. Linear in the text, whatever it holds."""
    if text.count(b"{") + text.count(b"[") <= levels:
        return True
    brackets = _STRING.sub(b"", text).translate(_SQUARE_TO_CURLY, _NO_BRACKETS)
    for _ in range(levels):
        brackets = brackets.replace(b"{}", b"")
    return not brackets


def without_lone_surrogates(text: bytes) -> bytes:
    """Make U+FFFD of each escaped half of a surrogate pair that has lost its other half."""
    return _ESCAPE.sub(lambda escape: rb"\ufffd" if escape["lone"] else escape[0], text)
