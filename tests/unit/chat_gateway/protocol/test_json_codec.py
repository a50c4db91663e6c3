import json
import time
from pathlib import Path

import pytest

from chat_gateway.protocol import frames
from chat_gateway.protocol.codec import Codec, Malformed
from chat_gateway.protocol.frames import Command
from chat_gateway.protocol.json_codec import JSON, MAX_COMMANDS, MAX_DEPTH
from chat_gateway.realtime.publication import Publication

GOLDEN = Path(__file__).parents[3] / "golden"
COMMANDS: dict[str, str] = json.loads((GOLDEN / "commands.json").read_text(encoding="utf-8"))
REPLIES: dict[str, str] = json.loads((GOLDEN / "replies.json").read_text(encoding="utf-8"))

DECODED: dict[str, list[Command]] = {
    "connect": [
        Command(
            1,
            frames.Connect(
                token="t",
                data=b'{"rooms":false}',
                name="js",
                version="1",
                headers={"a": "b"},
                subs={"room:lobby": frames.Resume(recover=True, epoch="e", offset=7)},
            ),
        )
    ],
    "connect with nothing": [Command(1, frames.Connect())],
    "subscribe": [
        Command(
            2,
            frames.Subscribe(
                channel="room:lobby",
                token="t",
                recover=True,
                epoch="e",
                offset=2**63 - 1,
                positioned=True,
                recoverable=True,
                join_leave=True,
                delta="fossil",
                flag=1,
                type=4,
                data=b"[1, 2]",
                tf=b'{"op":""}',
            ),
        )
    ],
    "unsubscribe": [Command(3, frames.Unsubscribe("room:lobby"))],
    "publish": [Command(4, frames.Publish("room:lobby", '{"body":"grüße"}'.encode()))],
    "rpc": [Command(5, frames.Rpc("message.post", b"null"))],
    "send": [Command(0, frames.Send(b'"x"'))],
    "history": [Command(6, frames.History("room:lobby", -1, frames.StreamPosition(3, "e"), reverse=True))],
    "history of the top": [Command(6, frames.History("room:lobby"))],
    "presence": [Command(7, frames.Presence("room:lobby"))],
    "presence_stats": [Command(8, frames.PresenceStats("room:lobby"))],
    "refresh": [Command(9, frames.Refresh("t"))],
    "sub_refresh": [Command(10, frames.SubRefresh("room:lobby", "t"))],
    "ping": [Command(2**32 - 1, frames.Ping())],
    "pong": [Command(0, frames.Pong())],
    "unknown": [Command(11, None)],
    "two requests in one": [Command(12, frames.Subscribe("c"))],
    "several in one message": [
        Command(1, frames.Connect()),
        Command(2, frames.Subscribe("c")),
        Command(0, frames.Pong()),
    ],
    "lone surrogate": [Command(13, frames.Rpc("m\ufffd", rb'["\ufffd", "\ud83d\ude00", "\\ud83d"]'))],
}


def publication(offset: int, data: bytes) -> Publication:
    return Publication(offset=offset, kind=1, id="id", subject="", data=data)


GREETING = publication(6, '{"body":"grüße"}'.encode())
ENCODED: dict[str, bytes] = {
    "connect": JSON.reply(
        1,
        frames.ConnectResult(
            client="c",
            version="1",
            data=b'{"user":{}}',
            expires=True,
            ttl=600,
            ping=25,
            pong=True,
            session="s",
            node="n",
            subs={
                "room:lobby": frames.SubscribeResult(
                    recoverable=True,
                    positioned=True,
                    epoch="e",
                    offset=5,
                    publications=(GREETING,),
                    recovered=True,
                    was_recovering=True,
                )
            },
        ),
    ),
    "connect with nothing": JSON.reply(1, frames.ConnectResult(client="c")),
    "subscribe": JSON.reply(2, frames.SubscribeResult(expires=True, ttl=60, epoch="e", offset=2**64 - 1, data=b"[1]")),
    "subscribe with nothing": JSON.reply(2, frames.SubscribeResult()),
    "unsubscribe": JSON.reply(3, frames.UnsubscribeResult()),
    "publish": JSON.reply(4, frames.PublishResult()),
    "rpc": JSON.reply(5, frames.RpcResult(data=b"null")),
    "rpc with nothing": JSON.reply(5, frames.RpcResult()),
    "history": JSON.reply(
        6, frames.HistoryResult(publications=[publication(1, b"1"), publication(2, b"2")], epoch="e", offset=2)
    ),
    "history of the top": JSON.reply(6, frames.HistoryResult(epoch="e")),
    "refresh": JSON.reply(9, frames.RefreshResult(expires=True, ttl=600)),
    "sub_refresh": JSON.reply(10, frames.SubRefreshResult(expires=True, ttl=600)),
    "error": JSON.error(11, 440, "room_not_found", temporary=False),
    "temporary error": JSON.error(12, 100, "internal", temporary=True),
    "publication": JSON.publication('room:"ü', GREETING),
    "publication without offset": JSON.publication("live:x", publication(0, b"1")),
    "subscribe push": JSON.push(
        "room:x", frames.SubscribePush(recoverable=True, epoch="e", offset=3, positioned=True, data=b"{}")
    ),
    "subscribe push with nothing": JSON.push("room:x", frames.SubscribePush()),
    "unsubscribe push": JSON.push("room:x", frames.UnsubscribePush(2000, "server unsubscribe")),
    "ping": JSON.ping,
}


def nested(levels: int) -> bytes:
    """A command as deep as this, the command itself counted."""
    inside = levels - 2
    return b'{"id":1,"rpc":{"data":' + b"[" * inside + b"]" * inside + b"}}"


def is_malformed(payload: bytes) -> bool:
    with pytest.raises(Malformed) as caught:
        JSON.decode(payload)
    return str(caught.value).endswith(".")


def test_json_codec_is_a_codec() -> None:
    codec: Codec = JSON
    assert not codec.binary


def test_golden_files_are_covered() -> None:
    assert COMMANDS.keys() == DECODED.keys()
    assert REPLIES.keys() == ENCODED.keys()


@pytest.mark.parametrize("name", COMMANDS)
def test_golden_command_decodes(name: str) -> None:
    assert JSON.decode(COMMANDS[name].encode()) == DECODED[name]


@pytest.mark.parametrize("name", REPLIES)
def test_golden_reply_encodes(name: str) -> None:
    assert ENCODED[name].decode() == REPLIES[name]
    assert isinstance(json.loads(ENCODED[name]), dict)


def test_messages_are_framed_one_a_line_without_a_blank_one() -> None:
    assert JSON.frame([b"{}", b'{"id":1}']) == b'{}\n{"id":1}'
    assert JSON.frame([JSON.ping]) == b"{}"


def test_data_is_bytes_of_its_own_not_a_view_of_the_message() -> None:
    [command] = JSON.decode(b'{"id":1,"rpc":{"data":{}}}')
    assert isinstance(command.request, frames.Rpc)
    assert type(command.request.data) is bytes


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\n",
        b"\n\n",
        b"{}\n\n{}",
        b"{}\n\n",
        b"{",
        b"{}}",
        b"[]",
        b"1",
        b"null",
        b"{} {}",
        b'{"id":1,\n"ping":{}}',
        b'{"id":1,"rpc":{"data":{"a":1,}}}',
        b'{"id":1,"rpc":{"data":NaN}}',
        b'{"id":1,"rpc":{"data":"\\q"}}',
        b"\xef\xbb\xbf{}",
    ],
)
def test_broken_json_is_malformed(payload: bytes) -> None:
    assert is_malformed(payload)


@pytest.mark.parametrize("broken", [b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xf4\x90\x80\x80"])
def test_what_is_not_utf8_is_malformed_in_raw_data_too(broken: bytes) -> None:
    assert is_malformed(b'{"id":1,"rpc":{"data":"' + broken + b'"}}')
    assert is_malformed(b'{"id":1,"unknown":"' + broken + b'"}')


@pytest.mark.parametrize(
    "payload",
    [
        b'{"id":"1","ping":{}}',
        b'{"id":1.5,"ping":{}}',
        b'{"id":-1,"ping":{}}',
        b'{"id":4294967296,"ping":{}}',
        b'{"id":1,"connect":[]}',
        b'{"id":1,"connect":{"token":null}}',
        b'{"id":1,"connect":{"subs":{"a":{"offset":-1}}}}',
        b'{"id":1,"subscribe":{"channel":1}}',
        b'{"id":1,"subscribe":{"offset":9223372036854775808}}',
        b'{"id":1,"subscribe":{"recover":1}}',
        b'{"id":1,"history":{"limit":2147483648}}',
    ],
)
def test_wrong_types_and_ranges_are_malformed(payload: bytes) -> None:
    assert is_malformed(payload)


@pytest.mark.parametrize("payload", [b'{"connect":{}}', b'{"id":0,"rpc":{"data":1}}'])
def test_command_without_id_is_malformed(payload: bytes) -> None:
    assert is_malformed(payload)


def test_depth_is_bounded_in_data_and_in_unknown_fields() -> None:
    assert JSON.decode(nested(MAX_DEPTH))
    assert is_malformed(nested(MAX_DEPTH + 1))
    assert is_malformed(nested(100_000))
    assert is_malformed(b'{"id":1,"other":' + b'{"a":' * 8 + b"1" + b"}" * 9)


def test_brackets_in_strings_and_many_flat_ones_are_not_depth() -> None:
    for data in (b'"' + b"[{" * 50 + b'"', rb'"\"' + b"[" * 50 + rb'\\"', b"[" + b"[{}]," * 50 + b"{}]"):
        [command] = JSON.decode(b'{"id":1,"rpc":{"data":' + data + b"}}")
        assert command == Command(1, frames.Rpc("", data))


def test_number_of_commands_in_a_message_is_bounded() -> None:
    assert len(JSON.decode(b"{}\n" * MAX_COMMANDS)) == MAX_COMMANDS
    assert is_malformed(b"{}\n" * (MAX_COMMANDS + 1))


@pytest.mark.parametrize(
    "attack", [b"[" * 250_000, b"[]" * 125_000, b'"' + rb"\"" * 125_000, b'"' * 250_000, rb"\ud800" * 40_000]
)
def test_hostile_messages_cost_linear_time(attack: bytes) -> None:
    started = time.process_time()
    assert is_malformed(b'{"id":1,"rpc":{"data":' + b"[" * 9 + attack)
    assert is_malformed(b'{"id":1,"rpc":{"data":' + attack)
    assert time.process_time() - started < 0.5
