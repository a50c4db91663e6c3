"""The protocol as the Python SDK has it: its own schema, an independent witness of what our bytes mean."""

import base64
import json
from typing import Any

import centrifuge.protocol.client_pb2 as schema
import msgspec
from centrifuge.codecs import _ProtobufCodec
from google.protobuf.json_format import ParseDict
from google.protobuf.message import Message
from msgspec.structs import asdict

from chat_gateway.protocol import frames
from chat_gateway.protocol.frames import Command

KEYS: dict[type, str] = {
    frames.Connect: "connect",
    frames.Ping: "ping",
    frames.Subscribe: "subscribe",
    frames.Unsubscribe: "unsubscribe",
    frames.Publish: "publish",
    frames.Presence: "presence",
    frames.PresenceStats: "presence_stats",
    frames.History: "history",
    frames.Rpc: "rpc",
    frames.Send: "send",
    frames.Refresh: "refresh",
    frames.SubRefresh: "sub_refresh",
}
_OPAQUE = {"data", "conn_info", "chan_info"}
_NOT_IN_THE_SCHEMA = {"type", "tf"}


def _plain(value: Any) -> Any:
    if isinstance(value, msgspec.Struct):
        return {name: _plain(field) for name, field in asdict(value).items()}
    if isinstance(value, dict):
        return {name: _plain(field) for name, field in value.items()}
    return value


def delimited(message: Message) -> bytes:
    body = message.SerializeToString()
    length, prefix = len(body), b""
    while length > 127:
        prefix, length = prefix + bytes([length & 127 | 128]), length >> 7
    return prefix + bytes([length]) + body


def encoded(command: Command) -> bytes:
    """The command in Protobuf, as a client with the SDK's schema sends it."""
    message = schema.Command(id=command.id)
    if not isinstance(command.request, frames.Pong):
        name = KEYS[type(command.request)]
        fields = {key: field for key, field in _plain(command.request).items() if key not in _NOT_IN_THE_SCHEMA}
        message = schema.Command(id=command.id, **{name: fields})
    return delimited(message)


def line(command: Command) -> bytes:
    """The command in JSON."""
    fields: dict[str, Any] = {"id": command.id} if command.id else {}
    if not isinstance(command.request, frames.Pong):
        request = asdict(command.request) if command.request is not None else {}
        opaque = {name: msgspec.Raw(field) for name, field in request.items() if isinstance(field, bytes) and field}
        plain = {name: field for name, field in request.items() if not isinstance(field, bytes) and field}
        fields[KEYS[type(command.request)]] = plain | opaque
    return msgspec.json.encode(fields)


def parsed(replies: bytes) -> list[Any]:
    """Protobuf replies, read by the SDK's schema."""
    return [ParseDict(reply, schema.Reply()) for reply in _ProtobufCodec.decode_replies(replies)]


def parsed_line(reply: str) -> Any:
    """A JSON reply as the same kind of object."""
    return ParseDict(_opened(json.loads(reply)), schema.Reply())


def _opened(value: Any) -> Any:
    if isinstance(value, list):
        return [_opened(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        name: base64.b64encode(msgspec.json.encode(field)).decode() if name in _OPAQUE else _opened(field)
        for name, field in value.items()
    }
