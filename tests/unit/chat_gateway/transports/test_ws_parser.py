import time

import pytest
from wsproto import ConnectionType
from wsproto.connection import Connection
from wsproto.events import Message

from chat_gateway.transports import ws_parser
from chat_gateway.transports.ws_parser import BINARY, CLOSE, MAX_FRAGMENTS, PING, PONG, TEXT, Event, Parser, Violation
from tests.unit.chat_gateway.transports.client_frames import close, drained, frame, head, text

LIMIT = 65536


def events(stream: bytes, *, step: int = 0, limit: int = LIMIT) -> list[Event]:
    parser = Parser(limit_bytes=limit)
    pieces = [stream[at : at + step] for at in range(0, len(stream), step)] if step else [stream]
    return list(drained(parser, pieces))


def violation(stream: bytes, *, step: int = 0, limit: int = LIMIT) -> int:
    with pytest.raises(Violation) as caught:
        events(stream, step=step, limit=limit)
    assert caught.value.reason
    return caught.value.code


@pytest.mark.parametrize("step", [0, 1, 3])
@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 4000])
def test_message_comes_out_as_it_went_in(size: int, step: int) -> None:
    payload = bytes(index % 251 for index in range(size))
    assert events(frame(BINARY, payload), step=step) == [(BINARY, payload)]


@pytest.mark.parametrize("size", [65535, 65536])
def test_long_messages_in_both_length_forms(size: int) -> None:
    payload = b"x" * size
    assert events(text(payload), step=1000) == [(TEXT, payload)]


def test_several_frames_of_one_read_come_one_by_one() -> None:
    stream = text("a") + frame(PING, b"p") + text("ü") + frame(PONG) + close(1000, b"bye")
    expected = [(TEXT, b"a"), (PING, b"p"), (TEXT, "ü".encode()), (PONG, b""), (CLOSE, b"\x03\xe8bye")]
    for step in (0, 1, 7):
        assert events(stream, step=step) == expected


def test_rest_of_a_read_is_kept_for_the_next() -> None:
    stream = text("first") + text("second") + text("third")
    parser = Parser(limit_bytes=LIMIT)
    parser.feed(stream[:14])
    assert parser.next() == (TEXT, b"first")
    parser.feed(stream[14:30])
    parser.feed(stream[30:])
    assert parser.next() == (TEXT, b"second")
    assert parser.next() == (TEXT, b"third")
    assert parser.next() is None


def test_fragments_are_joined_and_controls_pass_between_them() -> None:
    stream = text("hal", fin=False) + frame(PING, b"?") + frame(0, b"lo ", fin=False) + frame(0, b"you")
    assert events(stream + text("next")) == [(PING, b"?"), (TEXT, b"hallo you"), (TEXT, b"next")]


def test_character_may_be_split_between_fragments() -> None:
    euro = "€".encode()
    assert events(text(euro[:1], fin=False) + frame(0, euro[1:])) == [(TEXT, euro)]
    assert violation(text(euro[:1], fin=False) + frame(0, b"")) == 1007


@pytest.mark.parametrize(
    "stream",
    [
        pytest.param(head(TEXT, 2, masked=False) + b"hi", id="unmasked"),
        pytest.param(text("", fin=False) + text("new"), id="new message after an empty first fragment"),
        pytest.param(text("a", fin=False) + frame(BINARY, b"b"), id="new message inside another"),
        pytest.param(frame(0, b"a"), id="continuation of nothing"),
        pytest.param(text("a", fin=False) + frame(0, b"b") + frame(0, b"c"), id="continuation after the end"),
        pytest.param(frame(TEXT, b"a", rsv=4), id="compressed"),
        pytest.param(frame(TEXT, b"a", rsv=1), id="reserved bit"),
        pytest.param(frame(3, b"a"), id="reserved data opcode"),
        pytest.param(frame(11, b"a"), id="reserved control opcode"),
        pytest.param(frame(TEXT, b"a", form=2), id="16 bits for 1"),
        pytest.param(frame(TEXT, b"a" * 125, form=2), id="16 bits for 125"),
        pytest.param(frame(TEXT, b"a" * 200, form=8), id="64 bits for 200"),
        pytest.param(head(TEXT, 1 << 63), id="length with the highest bit"),
        pytest.param(frame(PING, b"a" * 126), id="ping of 126"),
        pytest.param(frame(PING, b"a", fin=False), id="fragmented ping"),
        pytest.param(frame(CLOSE, b"\x03"), id="close of one byte"),
        *[pytest.param(close(code), id=f"close {code}") for code in (0, 999, 1004, 1005, 1006, 1015, 2999, 5000)],
    ],
)
def test_protocol_errors(stream: bytes) -> None:
    assert violation(stream) == 1002
    assert violation(stream, step=1) == 1002


@pytest.mark.parametrize("code", [1000, 1001, 1003, 1007, 1014, 3000, 3999, 4000, 4999])
def test_legal_close_codes(code: int) -> None:
    [(opcode, payload)] = events(close(code, "grüße".encode()))
    assert (opcode, ws_parser.close_code(payload)) == (CLOSE, code)


def test_close_without_code_is_1005() -> None:
    assert events(close(None)) == [(CLOSE, b"")]
    assert ws_parser.close_code(b"") == 1005


@pytest.mark.parametrize(
    "stream", [text(b"\xff"), close(1000, b"\xff"), text(b"\xc3", fin=False) + frame(0, b"("), text(b"\xed\xa0\x80")]
)
def test_text_that_is_not_utf8_is_1007(stream: bytes) -> None:
    assert violation(stream) == 1007


def test_bad_fragment_is_refused_before_the_message_ends() -> None:
    assert violation(text(b"\xff", fin=False)) == 1007


def test_binary_is_not_judged() -> None:
    assert events(frame(BINARY, b"\xff", fin=False) + frame(0, b"\xfe")) == [(BINARY, b"\xff\xfe")]


def test_limit_is_inclusive() -> None:
    assert events(text("x" * LIMIT)) == [(TEXT, b"x" * LIMIT)]
    assert events(text("x" * (LIMIT - 1), fin=False) + frame(0, b"x"))[0][0] == TEXT


def test_oversize_is_refused_from_the_header_alone() -> None:
    assert violation(head(TEXT, LIMIT + 1)) == 1009
    assert violation(head(TEXT, 1 << 62)) == 1009
    assert violation(text("x" * LIMIT, fin=False) + head(0, 1)) == 1009


def test_control_frame_passes_between_fragments_at_the_limit() -> None:
    stream = text("x" * LIMIT, fin=False) + frame(PING, b"p") + frame(0)
    assert [opcode for opcode, _ in events(stream)] == [PING, TEXT]


def test_fragments_are_counted() -> None:
    parts = frame(0, b"", fin=False)
    assert len(events(text("", fin=False) + parts * (MAX_FRAGMENTS - 2) + frame(0))) == 1
    assert violation(text("", fin=False) + parts * MAX_FRAGMENTS) == 1008


def test_close_ends_input_even_inside_a_message() -> None:
    stream = text("a", fin=False) + close(1000) + frame(0, b"b") + text("c") + b"\xff\xff"
    assert events(stream) == [(CLOSE, b"\x03\xe8")]
    assert events(stream, step=1) == [(CLOSE, b"\x03\xe8")]


def test_violation_ends_input() -> None:
    parser = Parser(limit_bytes=LIMIT)
    parser.feed(frame(3) + text("a"))
    with pytest.raises(Violation):
        parser.next()
    parser.feed(text("b"))
    assert parser.next() is None


def test_one_large_frame_in_small_reads_costs_no_quadratic_time() -> None:
    payload = b"x" * (1 << 20)
    stream = text(payload)
    pieces = [stream[at : at + 64] for at in range(0, len(stream), 64)]
    started = time.process_time()
    assert list(drained(Parser(limit_bytes=1 << 20), pieces)) == [(TEXT, payload)]
    assert time.process_time() - started < 2  # copying at each read takes minutes


@pytest.mark.parametrize("size", [0, 125, 126, 65535, 65536])
def test_server_frames_are_read_by_another_implementation(size: int) -> None:
    client = Connection(ConnectionType.CLIENT)
    client.receive_data(ws_parser.encode(ws_parser.TEXT, b"x" * size))
    assert "".join(event.data for event in client.events() if isinstance(event, Message)) == "x" * size


def test_close_reason_is_cut_between_characters() -> None:
    assert ws_parser.close_frame(1000, "€" * 60) == b"\x88\x7d\x03\xe8" + ("€" * 41).encode()
    assert ws_parser.close_frame() == b"\x88\x02\x03\xe8"
