import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat_gateway.bus.wire import MAX_MESSAGE_BYTES, VERSION, Malformed, UnknownVersion, decode, encode
from chat_gateway.realtime.publication import Batch, Publication

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)


@st.composite
def batches(draw: st.DrawFn) -> Batch:
    offsets = sorted(draw(st.sets(st.integers(0, 2**64 - 1), min_size=1, max_size=12)))
    publications = tuple(
        Publication(
            offset, draw(st.integers(0, 255)), draw(texts), draw(texts), draw(st.binary(max_size=50)) * draw(sizes)
        )
        for offset in offsets
    )
    return Batch(channel=draw(texts), epoch=draw(st.text("abc019", max_size=8)), publications=publications)


sizes = st.sampled_from([1, 1, 1, 1000, 6000])


def small(*offsets: int) -> Batch:
    publications = tuple(Publication(offset, 1, f"id-{offset}", "u", b"{}") for offset in offsets)
    return Batch(channel="room:a", epoch="e1", publications=publications)


@given(batches())
def test_what_was_encoded_is_decoded_again(batch: Batch) -> None:
    messages = encode(batch)
    parts = [decode(message) for message in messages]
    assert {(part.channel, part.epoch) for part in parts} == {(batch.channel, batch.epoch)}
    assert tuple(p for part in parts for p in part.publications) == batch.publications
    assert all(
        len(message) <= MAX_MESSAGE_BYTES or len(part.publications) == 1
        for message, part in zip(messages, parts, strict=True)
    )


@given(st.binary(max_size=300))
def test_any_bytes_are_a_batch_or_a_clear_error(data: bytes) -> None:
    try:
        batch = decode(bytes([VERSION]) + data)
    except Malformed:
        return
    assert encode(batch)[0] == bytes([VERSION]) + data


@given(batches(), st.data())
def test_a_damaged_message_is_a_batch_or_a_clear_error(batch: Batch, data: st.DataObject) -> None:
    message = bytearray(encode(batch)[0])
    for _ in range(data.draw(st.integers(1, 4))):
        message[data.draw(st.integers(0, min(len(message), 200) - 1))] = data.draw(st.integers(0, 255))
    try:
        decode(bytes(message))
    except (Malformed, UnknownVersion):
        return


@given(st.data())
def test_a_truncated_or_extended_message_is_malformed(data: st.DataObject) -> None:
    (message,) = encode(small(1, 2, 3))
    cut = data.draw(st.integers(0, len(message) - 1))
    with pytest.raises(Malformed):
        decode(message[:cut])
    with pytest.raises(Malformed):
        decode(message + b"x")


def test_the_layout_is_the_documented_one() -> None:
    batch = Batch(channel="room:é", epoch="e1", publications=(Publication(7, 200, "id", "bob", b"{}"),))
    (message,) = encode(batch)
    entry = struct.pack(">QBHHI", 7, 200, 2, 3, 2) + b"idbob"
    assert message == b"\x01\x00\x07\x02" + "room:é".encode() + b"e1" + b"\x00\x00\x00\x01" + entry + b"{}"


def test_a_kind_nobody_knows_passes() -> None:
    batch = Batch(channel="room:a", epoch="e1", publications=(Publication(1, 255, "id", "", b"{}"),))
    assert decode(encode(batch)[0]) == batch


def test_another_version_is_told_apart_from_damage() -> None:
    (message,) = encode(small(1))
    with pytest.raises(UnknownVersion, match="version 2"):
        decode(b"\x02" + message[1:])


def test_a_batch_without_entries_makes_no_message() -> None:
    assert encode(small()) == []


def test_a_message_without_entries_is_malformed() -> None:
    with pytest.raises(Malformed):
        decode(b"\x01\x00\x06\x02room:ae1\x00\x00\x00\x00")


def test_a_huge_promised_count_costs_nothing() -> None:
    (message,) = encode(small(1))
    at = message.index(b"\x00\x00\x00\x01")
    with pytest.raises(Malformed, match="promises"):
        decode(message[:at] + b"\xff\xff\xff\xff" + message[at + 4 :])


def test_offsets_that_do_not_rise_are_malformed() -> None:
    (message,) = encode(small(2, 1))
    with pytest.raises(Malformed, match="rise"):
        decode(message)


def test_text_that_is_not_utf8_is_malformed() -> None:
    (message,) = encode(small(1))
    with pytest.raises(Malformed):
        decode(message.replace(b"id-1", b"id-\xff"))
