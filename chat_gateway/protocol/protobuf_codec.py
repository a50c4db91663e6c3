"""The Protobuf encoding: each message behind its length, a varint; `data` is bytes of any kind.

The rules are those of the JSON encoding: strict about form, generous about content. A message that the codec makes
carries its length already, so that one alone and several in a row are written the same way.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from google.protobuf.message import DecodeError, Message
from msgspec.structs import asdict

from chat_gateway.protocol import client_pb2
from chat_gateway.protocol.codec import MAX_COMMANDS, Malformed, command
from chat_gateway.protocol.frames import (
    MAX_OFFSET,
    Command,
    Connect,
    ConnectResult,
    History,
    HistoryResult,
    Join,
    Leave,
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
    Resume,
    Rpc,
    Send,
    StreamPosition,
    SubRefresh,
    Subscribe,
    SubscribeResult,
    Unsubscribe,
)
from chat_gateway.protocol.json_text import MAX_DEPTH

_LENGTH_BYTES = 5  # of a varint of 32 bits; no message is near that long


class ProtobufCodec:
    binary = True
    ping = b"\x00"

    def decode(self, payload: bytes, *, levels: int = MAX_DEPTH) -> list[Command]:
        del levels  # these messages have no open end
        messages = _split(payload)
        try:
            return [_command(client_pb2.Command.FromString(message)) for message in messages]
        except DecodeError as error:
            raise Malformed("Not a Protobuf message.") from error

    def reply(self, id: int, result: Result) -> bytes:  # noqa: A002 - the protocol's word
        return _delimited(client_pb2.Reply(id=id, **{result.key: _fields(result)}))

    def error(self, id: int, code: int, message: str, *, temporary: bool) -> bytes:  # noqa: A002 - the same
        error = client_pb2.Error(code=code, message=message, temporary=temporary)
        return _delimited(client_pb2.Reply(id=id, error=error))

    def publication(self, channel: str, publication: Published) -> bytes:
        return _delimited(client_pb2.Reply(push={"channel": channel, "pub": _publication(publication)}))

    def push(self, channel: str, push: Push) -> bytes:
        return _delimited(client_pb2.Reply(push={"channel": channel, push.key: _fields(push)}))

    def frame(self, messages: Sequence[bytes]) -> bytes:
        return b"".join(messages)


PROTOBUF = ProtobufCodec()


def _split(payload: bytes) -> list[bytes]:
    messages: list[bytes] = []
    at = 0
    while at < len(payload):
        if len(messages) == MAX_COMMANDS:
            raise Malformed(f"More than {MAX_COMMANDS} commands in one message.")
        start, length = _length(payload, at)
        at = start + length
        if at > len(payload):
            raise Malformed("A command is shorter than its length says.")
        messages.append(payload[start:at])
    if not messages:
        raise Malformed("No command in the message.")
    return messages


def _length(payload: bytes, at: int) -> tuple[int, int]:
    """Read a varint: where it ends, and what it says."""
    length = 0
    for shift, byte in enumerate(payload[at : at + _LENGTH_BYTES]):
        length |= (byte & 0x7F) << (7 * shift)
        if byte < 0x80:  # noqa: PLR2004 - the bit that says more follow
            return at + shift + 1, length
    raise Malformed("The length of a command is no varint.")


def _delimited(message: client_pb2.Reply) -> bytes:
    body = message.SerializeToString()
    length, prefix = len(body), bytearray()
    while length > 0x7F:  # noqa: PLR2004 - seven bits in each byte
        prefix.append(length & 0x7F | 0x80)
        length >>= 7
    prefix.append(length)
    return bytes(prefix) + body


def _command(wire: client_pb2.Command) -> Command:
    for name, read in _REQUESTS:
        if wire.HasField(name):
            return command(wire.id, read(getattr(wire, name)))
    return command(wire.id, None)


def _alike(kind: type[Request], wire: Message) -> Request:
    """Read a request whose fields are those of its frame."""
    return kind(*[getattr(wire, name) for name in kind.__struct_fields__])


def _connect(wire: client_pb2.ConnectRequest) -> Connect:
    return Connect(
        token=wire.token,
        data=wire.data,
        name=wire.name,
        version=wire.version,
        headers=dict(wire.headers),
        subs={channel: Resume(sub.recover, sub.epoch, _offset(sub.offset)) for channel, sub in wire.subs.items()},
    )


def _subscribe(wire: client_pb2.SubscribeRequest) -> Subscribe:
    return Subscribe(
        channel=wire.channel,
        token=wire.token,
        recover=wire.recover,
        epoch=wire.epoch,
        offset=_offset(wire.offset),
        positioned=wire.positioned,
        recoverable=wire.recoverable,
        join_leave=wire.join_leave,
        delta=wire.delta,
        flag=wire.flag,
        type=wire.type,
        data=wire.data,
        tf=wire.tf.SerializeToString(),
    )


def _history(wire: client_pb2.HistoryRequest) -> History:
    since = StreamPosition(_offset(wire.since.offset), wire.since.epoch) if wire.HasField("since") else None
    return History(wire.channel, wire.limit, since, wire.reverse)


def _offset(offset: int) -> int:
    if offset > MAX_OFFSET:
        raise Malformed(f"An offset is above {MAX_OFFSET}.")
    return offset


_REQUESTS: tuple[tuple[str, Callable[[Any], Request]], ...] = (
    ("connect", _connect),
    ("ping", partial(_alike, Ping)),
    ("subscribe", _subscribe),
    ("unsubscribe", partial(_alike, Unsubscribe)),
    ("publish", partial(_alike, Publish)),
    ("presence", partial(_alike, Presence)),
    ("presence_stats", partial(_alike, PresenceStats)),
    ("history", _history),
    ("rpc", partial(_alike, Rpc)),
    ("send", partial(_alike, Send)),
    ("refresh", partial(_alike, Refresh)),
    ("sub_refresh", partial(_alike, SubRefresh)),
)
"""The order is that in which a server looks for them."""


def _publication(publication: Published) -> dict[str, Any]:
    return {
        "data": publication.data,
        "info": None if publication.info is None else asdict(publication.info),
        "offset": publication.offset,
    }


def _fields(answer: Result | Push) -> dict[str, Any]:
    """The fields of the message; those with the protocol's zero value stay off the wire."""
    fields = asdict(answer)
    if isinstance(answer, SubscribeResult | HistoryResult):
        fields["publications"] = [_publication(publication) for publication in answer.publications]
    elif isinstance(answer, ConnectResult):
        fields["subs"] = {channel: _fields(sub) for channel, sub in answer.subs.items()}
    elif isinstance(answer, PresenceResult):
        fields["presence"] = {client: asdict(info) for client, info in answer.presence.items()}
    elif isinstance(answer, Join | Leave):
        fields["info"] = asdict(answer.info)
    return fields
