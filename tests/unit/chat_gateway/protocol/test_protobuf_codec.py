import time

import pytest

from chat_gateway.protocol import client_pb2, frames
from chat_gateway.protocol.codec import MAX_COMMANDS, Codec, Malformed
from chat_gateway.protocol.frames import MAX_OFFSET, Command
from chat_gateway.protocol.protobuf_codec import PROTOBUF
from tests.unit.chat_gateway.protocol import sdk
from tests.unit.chat_gateway.protocol.golden import ANSWERS, DECODED, Shown, golden

COMMANDS = golden("commands_protobuf")
REPLIES = golden("replies_protobuf")
IN_JSON_ONLY = {"lone surrogate"}


def of(command: client_pb2.Command) -> bytes:
    return sdk.delimited(command)


def is_malformed(payload: bytes) -> bool:
    with pytest.raises(Malformed) as caught:
        PROTOBUF.decode(payload)
    return str(caught.value).endswith(".")


def test_protobuf_codec_is_a_codec() -> None:
    codec: Codec = PROTOBUF
    assert codec.binary


def test_golden_files_are_covered() -> None:
    assert COMMANDS.keys() == DECODED.keys() - IN_JSON_ONLY
    assert REPLIES.keys() == ANSWERS.keys()


@pytest.mark.parametrize("name", [name for name in COMMANDS if name != "subscribe with a filter"])
def test_golden_command_decodes_to_the_same_as_in_json(name: str) -> None:
    assert PROTOBUF.decode(bytes.fromhex(COMMANDS[name])) == DECODED[name]


def test_filter_is_noticed_whatever_is_in_it() -> None:
    [command] = PROTOBUF.decode(bytes.fromhex(COMMANDS["subscribe with a filter"]))
    assert isinstance(command.request, frames.Subscribe)
    assert command.request.tf


@pytest.mark.parametrize("name", REPLIES)
def test_reply_means_what_the_golden_one_means(name: str) -> None:
    """Fields may come in any order, so the bytes themselves are not compared."""
    assert sdk.parsed(ANSWERS[name](PROTOBUF)) == sdk.parsed(bytes.fromhex(REPLIES[name]))


@pytest.mark.parametrize("name", REPLIES)
def test_sdk_reads_in_a_reply_what_it_reads_in_the_json_one(name: str) -> None:
    assert sdk.parsed(ANSWERS[name](PROTOBUF)) == [sdk.parsed_line(golden("replies")[name])]


def test_result_is_there_even_when_nothing_is_in_it() -> None:
    [reply] = sdk.parsed(PROTOBUF.reply(3, frames.UnsubscribeResult()))
    assert reply.HasField("unsubscribe")


def test_data_is_bytes_of_any_kind() -> None:
    data = bytes(range(256))
    [command] = PROTOBUF.decode(of(client_pb2.Command(id=1, publish={"channel": "c", "data": data})))
    assert command.request == frames.Publish("c", data)
    [reply] = sdk.parsed(PROTOBUF.publication("c", Shown(1, data)))
    assert reply.push.pub.data == data


@pytest.mark.parametrize("size", [0, 1, 110, 120, 127, 128, 16_383, 16_384, 300_000])
def test_messages_follow_one_another_behind_their_lengths(size: int) -> None:
    data = b"x" * size
    messages = [
        PROTOBUF.publication("c", Shown(1, data)),
        PROTOBUF.ping,
        PROTOBUF.reply(2, frames.RpcResult(data=data)),
    ]
    first, ping, second = sdk.parsed(PROTOBUF.frame(messages))
    assert first.push.pub.data == second.rpc.data == data
    assert not ping.ListFields()


def test_command_without_content_is_a_pong() -> None:
    assert PROTOBUF.decode(b"\x00") == [Command(0, frames.Pong())]
    assert PROTOBUF.decode(b"\x80\x00") == [Command(0, frames.Pong())]


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\x01",
        b"\x02\x08",
        b"\x80",
        b"\x00\x80",
        b"\xff\xff\xff\xff\x0f\x08\x01",
        b"\x80\x80\x80\x80\x80\x00",
        b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
        b"\x80" * 10,
        b"\x01\x08",
        b"\x02\x08\xff",
        b"\x03\x08\x01\x04",
        b'{"id":1,"connect":{}}',
        b"\x01\xff",
        b"\x01\x0b",
    ],
)
def test_broken_message_is_malformed(payload: bytes) -> None:
    assert is_malformed(payload)


def test_length_is_of_bytes_behind_it_not_of_the_whole_message() -> None:
    message = of(client_pb2.Command(id=1, ping={}))
    assert PROTOBUF.decode(message) == [Command(1, frames.Ping())]
    assert is_malformed(message[:-1])
    assert is_malformed(message + b"\x01")


def test_text_that_is_not_utf8_is_malformed() -> None:
    channel = b"\x0a\x02\xc3\x28"
    assert is_malformed(b"\x06\x2a\x04" + channel)
    assert is_malformed(b"\x08\x08\x01\x2a\x04" + channel)


def test_command_without_id_is_malformed() -> None:
    assert is_malformed(of(client_pb2.Command(rpc={"data": b"1"})))
    assert PROTOBUF.decode(of(client_pb2.Command(send={"data": b"1"}))) == [Command(0, frames.Send(b"1"))]


def test_offset_beyond_what_a_database_holds_is_malformed() -> None:
    for offset, good in ((MAX_OFFSET, True), (MAX_OFFSET + 1, False)):
        for request in (
            {"subscribe": {"offset": offset}},
            {"connect": {"subs": {"c": {"offset": offset}}}},
            {"history": {"since": {"offset": offset}}},
        ):
            payload = of(client_pb2.Command(id=1, **request))
            assert bool(PROTOBUF.decode(payload)) if good else is_malformed(payload)


def test_number_of_commands_in_a_message_is_bounded() -> None:
    assert len(PROTOBUF.decode(b"\x00" * MAX_COMMANDS)) == MAX_COMMANDS
    assert is_malformed(b"\x00" * (MAX_COMMANDS + 1))


@pytest.mark.parametrize(
    "attack",
    [
        b"\x00" * 262_144,
        b"\x80" * 262_144,
        b"\xff\xff\x0f" + b"\x0b" * 262_143,
        b"\xff\xff\x0f" + b"\x6a\x00" * 131_071 + b"\x6a",
        b"\xff\xff\x0f" + b"\x22\x02\x1a\x00" * 65_535 + b"\x22\x02\x1a",
    ],
    ids=["pongs", "one length", "groups", "merged requests", "merged subscriptions"],
)
def test_hostile_messages_cost_linear_time(attack: bytes) -> None:
    started = time.process_time()
    assert is_malformed(attack)
    assert time.process_time() - started < 0.5
