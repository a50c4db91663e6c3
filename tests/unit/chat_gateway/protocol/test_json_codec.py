import json
import time

import pytest

from chat_gateway.protocol import frames
from chat_gateway.protocol.codec import MAX_COMMANDS, Codec, Malformed
from chat_gateway.protocol.frames import Command
from chat_gateway.protocol.json_codec import JSON
from chat_gateway.protocol.json_text import MAX_DEPTH, readable
from tests.unit.chat_gateway.protocol.golden import ANSWERS, DECODED, golden

COMMANDS = golden("commands")
REPLIES = golden("replies")


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
    assert REPLIES.keys() == ANSWERS.keys()


@pytest.mark.parametrize("name", COMMANDS)
def test_golden_command_decodes(name: str) -> None:
    assert JSON.decode(COMMANDS[name].encode()) == DECODED[name]


@pytest.mark.parametrize("name", REPLIES)
def test_golden_reply_encodes(name: str) -> None:
    encoded = ANSWERS[name](JSON).decode()
    assert encoded == REPLIES[name]
    assert isinstance(json.loads(encoded), dict)


def test_messages_are_framed_one_a_line_without_a_blank_one() -> None:
    assert JSON.frame([b"{}", b'{"id":1}']) == b'{}\n{"id":1}'
    assert JSON.frame([JSON.ping]) == b"{}"


def test_data_is_bytes_of_its_own_not_a_view_of_the_message() -> None:
    [command] = JSON.decode(b'{"id":1,"rpc":{"data":{}}}')
    assert isinstance(command.request, frames.Rpc)
    assert isinstance(command.request.data, bytes)


@pytest.mark.parametrize("name", COMMANDS)
def test_opaque_bytes_say_that_they_were_looked_at(name: str) -> None:
    for command in JSON.decode(COMMANDS[name].encode()):
        for field in ("data", "tf"):
            data = getattr(command.request, field, b"")
            assert readable(data) is data


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


@pytest.mark.parametrize("levels", [5, 8, 9])
def test_depth_is_that_which_the_caller_allows(levels: int) -> None:
    assert JSON.decode(nested(levels), levels=levels)
    with pytest.raises(Malformed, match=f"nested deeper than {levels} levels"):
        JSON.decode(nested(levels + 1), levels=levels)


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
