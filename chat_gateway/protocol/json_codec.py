"""The JSON encoding: objects on one line each, joined by newlines; `data` embedded as it is.

Decoding is strict about form (UTF-8, depth, types, ranges) and generous about content: unknown fields are ignored, of
several requests in one command the first in the server's order counts. A lone surrogate, which browsers send when a
pasted text is cut inside an emoji, becomes U+FFFD as in the protocol's first server: nobody is thrown out for it.
"""

from collections.abc import Callable, Sequence
from typing import Any, cast

import msgspec
from msgspec import Raw
from msgspec.structs import astuple, replace

from chat_gateway.protocol.codec import MAX_COMMANDS, Malformed, command
from chat_gateway.protocol.frames import (
    ClientInfo,
    Command,
    Connect,
    ConnectResult,
    History,
    HistoryResult,
    Id,
    Join,
    Leave,
    MessagePush,
    Ping,
    Presence,
    PresenceResult,
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
from chat_gateway.protocol.json_text import MAX_DEPTH, Readable, readable

_NOTHING = Raw()
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


class _ClientInfo(msgspec.Struct, omit_defaults=True):
    user: str = ""
    client: str = ""
    conn_info: Raw = _NOTHING
    chan_info: Raw = _NOTHING


class _Publication(msgspec.Struct, omit_defaults=True):
    data: Raw = _NOTHING
    info: _ClientInfo | None = None
    offset: int = 0


_OPENED: dict[type, Callable[..., Request]] = {
    _Connect: Connect,
    _Subscribe: Subscribe,
    _Publish: Publish,
    _Rpc: Rpc,
    _Send: Send,
}
_WITH_DATA = (ConnectResult, SubscribeResult, RpcResult, SubscribePush, MessagePush)
_decode = msgspec.json.Decoder(_Command).decode


class JsonCodec:
    binary = False
    ping = b"{}"

    def decode(self, payload: bytes, *, levels: int = MAX_DEPTH) -> list[Command]:
        lines = payload.removesuffix(b"\n").split(b"\n", MAX_COMMANDS)
        if len(lines) > MAX_COMMANDS:
            raise Malformed(f"More than {MAX_COMMANDS} commands in one message.")
        return [_command(line, levels) for line in lines]

    def reply(self, id: int, result: Result) -> bytes:  # noqa: A002 - the protocol's word
        return b'{"id":%d,"%b":%b}' % (id, result.key.encode(), _encode(self._embedded(result)))

    def error(self, id: int, code: int, message: str, *, temporary: bool) -> bytes:  # noqa: A002 - the same
        error: dict[str, Any] = {"code": code, "message": message}
        if temporary:
            error["temporary"] = True
        return _encode({"id": id, "error": error})

    def publication(self, channel: str, publication: Published) -> bytes:
        return b'{"push":{"channel":%b,"pub":%b}}' % (_encode(channel), _encode(self._publication(publication)))

    def push(self, channel: str, push: Push) -> bytes:
        body = b'"%b":%b' % (push.key.encode(), _encode(self._embedded(push)))
        return b'{"push":{"channel":%b,%b}}' % (_encode(channel), body) if channel else b'{"push":{%b}}' % body

    def frame(self, messages: Sequence[bytes]) -> bytes:
        return b"\n".join(messages)

    def _raw(self, data: bytes) -> Raw:
        """Mark bytes as JSON, so that the encoder embeds them."""
        return Raw(data) if data else _NOTHING

    def _info(self, info: ClientInfo) -> _ClientInfo:
        return _ClientInfo(info.user, info.client, self._raw(info.conn_info), self._raw(info.chan_info))

    def _publication(self, publication: Published) -> _Publication:
        info = None if publication.info is None else self._info(publication.info)
        return _Publication(self._raw(publication.data), info, publication.offset)

    def _embedded(self, answer: Result | Push) -> Result | Push:
        """The same with its opaque bytes marked as JSON."""
        changes: dict[str, Any] = {}
        if isinstance(answer, _WITH_DATA) and answer.data:
            changes["data"] = self._raw(answer.data)
        if isinstance(answer, SubscribeResult | HistoryResult):
            changes["publications"] = tuple(map(self._publication, answer.publications))
        elif isinstance(answer, ConnectResult):
            changes["subs"] = {channel: self._embedded(sub) for channel, sub in answer.subs.items()}
        elif isinstance(answer, PresenceResult):
            changes["presence"] = {client: self._info(info) for client, info in answer.presence.items()}
        elif isinstance(answer, Join | Leave):
            changes["info"] = self._info(answer.info)
        return replace(answer, **changes) if changes else answer


JSON = JsonCodec()


def _command(line: bytes, levels: int) -> Command:
    try:
        wire = _decode(readable(line, levels=levels))
    except msgspec.ValidationError as error:
        raise Malformed(f"{error}.") from error
    except msgspec.DecodeError as error:
        raise Malformed(f"Not a JSON object: {error}.") from error
    return command(wire.id, _first_request(wire))


def _first_request(wire: _Command) -> Request | None:
    for request in astuple(wire)[:-1]:
        if request is not None:
            opened = _OPENED.get(type(request))
            if opened is None:
                return cast("Request", request)
            return opened(*[(Readable(value) or b"") if type(value) is Raw else value for value in astuple(request)])
    return None
