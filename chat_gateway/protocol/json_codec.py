"""The JSON encoding: objects on one line each, joined by newlines; `data` embedded as it is.

Decoding is strict about form (UTF-8, depth, types, ranges) and generous about content: unknown fields are ignored, of
several requests in one command the first in the server's order counts. A lone surrogate, which browsers send when a
pasted text is cut inside an emoji, becomes U+FFFD as in the protocol's first server: nobody is thrown out for it.
"""

import re
from collections.abc import Callable, Sequence
from typing import Any, cast

import msgspec
from msgspec import Raw
from msgspec.structs import astuple, replace

from chat_gateway.protocol.codec import Malformed
from chat_gateway.protocol.frames import (
    Command,
    Connect,
    ConnectResult,
    History,
    HistoryResult,
    Id,
    Ping,
    Pong,
    Presence,
    PresenceStats,
    Publish,
    Published,
    Push,
    Refresh,
    Request,
    Result,
    Rpc,
    RpcResult,
    Send,
    SubRefresh,
    Subscribe,
    SubscribePush,
    SubscribeResult,
    Unsubscribe,
)

MAX_DEPTH = 8
MAX_COMMANDS = 1024

_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)  # always matches at a quote, so never quadratic
_SQUARE_TO_CURLY = bytes.maketrans(b"[]", b"{}")
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_ESCAPE = re.compile(
    rb"\\(?:(?P<pair>u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})|(?P<lone>u[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)
_encode = msgspec.json.Encoder().encode


class _Connect(Connect, frozen=True):
    data: Raw = Raw()


class _Subscribe(Subscribe, frozen=True):
    data: Raw = Raw()
    tf: Raw = Raw()


class _Publish(Publish, frozen=True):
    data: Raw = Raw()


class _Rpc(Rpc, frozen=True):
    data: Raw = Raw()


class _Send(Send, frozen=True):
    data: Raw = Raw()


class _Command(msgspec.Struct):
    """The requests stand in the order in which a server looks for them."""

    connect: _Connect | None = None
    ping: Ping | None = None
    subscribe: _Subscribe | None = None
    unsubscribe: Unsubscribe | None = None
    publish: _Publish | None = None
    presence: Presence | None = None
    presence_stats: PresenceStats | None = None
    history: History | None = None
    rpc: _Rpc | None = None
    send: _Send | None = None
    refresh: Refresh | None = None
    sub_refresh: SubRefresh | None = None
    id: Id = 0


class _Publication(msgspec.Struct, omit_defaults=True):
    data: Raw
    offset: int = 0


_OPENED: dict[type, Callable[..., Request]] = {
    _Connect: Connect,
    _Subscribe: Subscribe,
    _Publish: Publish,
    _Rpc: Rpc,
    _Send: Send,
}
_decode = msgspec.json.Decoder(_Command).decode


class JsonCodec:
    binary = False
    ping = b"{}"

    def decode(self, payload: bytes) -> list[Command]:
        lines = payload.removesuffix(b"\n").split(b"\n", MAX_COMMANDS)
        if len(lines) > MAX_COMMANDS:
            raise Malformed(f"More than {MAX_COMMANDS} commands in one message.")
        return [_command(line) for line in lines]

    def reply(self, id: int, result: Result) -> bytes:  # noqa: A002 - the protocol's word
        return b'{"id":%d,"%b":%b}' % (id, result.key.encode(), _encode(_raw(result)))

    def error(self, id: int, code: int, message: str, *, temporary: bool) -> bytes:  # noqa: A002 - the same
        error: dict[str, Any] = {"code": code, "message": message}
        if temporary:
            error["temporary"] = True
        return _encode({"id": id, "error": error})

    def publication(self, channel: str, publication: Published) -> bytes:
        return b'{"push":{"channel":%b,"pub":%b}}' % (_encode(channel), _encode(_publication(publication)))

    def push(self, channel: str, push: Push) -> bytes:
        if isinstance(push, SubscribePush) and push.data:
            push = replace(push, data=Raw(push.data))
        return b'{"push":{"channel":%b,"%b":%b}}' % (_encode(channel), push.key.encode(), _encode(push))

    def frame(self, messages: Sequence[bytes]) -> bytes:
        return b"\n".join(messages)


JSON = JsonCodec()


def _command(line: bytes) -> Command:
    _check(line)
    try:
        wire = _decode(line)
    except msgspec.ValidationError as error:
        raise Malformed(f"{error}.") from error
    except msgspec.DecodeError as error:
        wire = _without_lone_surrogates(line, error)
    request = _first_request(wire)
    if wire.id == 0:
        if request is None:
            request = Pong()
        elif not isinstance(request, Send):
            raise Malformed("A command needs an `id` above 0.")
    return Command(wire.id, request)


def _first_request(wire: _Command) -> Request | None:
    for request in astuple(wire)[:-1]:
        if request is not None:
            opened = _OPENED.get(type(request))
            if opened is None:
                return cast("Request", request)
            return opened(*[bytes(value) if type(value) is Raw else value for value in astuple(request)])
    return None


def _check(line: bytes) -> None:
    """Refuse what the decoder would skip over unseen in a raw field: bytes that are no UTF-8, and deep nesting."""
    if not line.isascii():
        try:
            line.decode()
        except UnicodeDecodeError as error:
            raise Malformed("Not UTF-8.") from error
    if line.count(b"{") + line.count(b"[") <= MAX_DEPTH:
        return
    brackets = _STRING.sub(b"", line).translate(_SQUARE_TO_CURLY, _NO_BRACKETS)
    for _ in range(MAX_DEPTH):
        brackets = brackets.replace(b"{}", b"")
    if brackets:
        raise Malformed(f"Nested deeper than {MAX_DEPTH} levels, or brackets without their match.")


def _without_lone_surrogates(line: bytes, error: msgspec.DecodeError) -> _Command:
    try:
        return _decode(_ESCAPE.sub(lambda escape: rb"\ufffd" if escape["lone"] else escape[0], line))
    except msgspec.DecodeError:
        raise Malformed(f"Not a JSON object: {error}.") from error


def _publication(publication: Published) -> _Publication:
    return _Publication(Raw(publication.data), publication.offset)


def _raw(result: Result) -> Result:
    """The result with its bytes marked as JSON, so that the encoder embeds them."""
    changes: dict[str, Any] = {}
    if isinstance(result, ConnectResult | SubscribeResult | RpcResult) and result.data:
        changes["data"] = Raw(result.data)
    if isinstance(result, SubscribeResult | HistoryResult) and result.publications:
        changes["publications"] = [_publication(publication) for publication in result.publications]
    if isinstance(result, ConnectResult) and result.subs:
        changes["subs"] = {channel: _raw(sub) for channel, sub in result.subs.items()}
    return replace(result, **changes) if changes else result
