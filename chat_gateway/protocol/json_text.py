"""Whether bytes that are only passed on are JSON that no reader chokes on: UTF-8, and not nested too deep.

A decoder skips such bytes unseen; whoever reads them later, a browser or a database, must not be the first to look.
"""

import re

import msgspec

MAX_DEPTH = 8
"""Levels of a whole command, unless a setting says otherwise."""

AROUND_DATA = 2
"""Levels above a command's `data`: it stands in a request, which stands in the command."""

DATA_DEPTH = MAX_DEPTH - AROUND_DATA

_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)  # always matches at a quote, so never quadratic
_SQUARE_TO_CURLY = bytes.maketrans(b"[]", b"{}")
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_ESCAPE = re.compile(
    rb"\\(?:(?P<pair>u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})|(?P<lone>u[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)
_ONE_LINE = bytes.maketrans(b"\r\n", b"  ")
_decode_unread = msgspec.json.Decoder(msgspec.Raw).decode


class Unreadable(msgspec.DecodeError):
    """Refuses what a decoder would fail at in a way of its own, or not at all. Does not quote the text."""


class Readable(bytes):
    """Bytes that stood in a text `readable` has looked at: nobody has to look again."""

    __slots__ = ()


def readable(data: bytes, *, levels: int = DATA_DEPTH) -> bytes:
    """Prepare a client's opaque bytes for a decoder that expects JSON, whichever encoding brought them.

    What comes back fails there by nothing else than a DecodeError. Raises Unreadable, which is one.
    """
    if type(data) is Readable:
        return data
    if not is_utf8(data):
        raise Unreadable("not UTF-8")
    if not is_shallow(data, levels=levels):
        raise Unreadable(f"nested deeper than {levels} levels, or brackets without their match")
    if b"\\" in data and (rb"\ud" in data or rb"\uD" in data):  # the first look is fifty times as fast
        return without_lone_surrogates(data)
    return data


def embeddable(data: bytes) -> bytes:
    """Make of anybody's bytes what can stand in a text of one line: one JSON value. Raises DecodeError for no JSON."""
    text = readable(data)
    _decode_unread(text)
    return text.translate(_ONE_LINE)  # a bare line break is white space in JSON, for it may not stand in a string


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
