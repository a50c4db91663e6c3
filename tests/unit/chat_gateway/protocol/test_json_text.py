import time

import msgspec
import pytest

from chat_gateway.protocol.json_text import DATA_DEPTH, Readable, Unreadable, embeddable, is_shallow, readable

decode = msgspec.json.Decoder(dict[str, object]).decode


@pytest.mark.parametrize("data", [b"", b"test", b"{", b'{"a":"gr\xc3\xbc\xc3\x9fe"}', b"[" * DATA_DEPTH])
def test_what_a_decoder_judges_by_itself_passes_unchanged(data: bytes) -> None:
    assert readable(data) is data


@pytest.mark.parametrize("broken", [b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xf4\x90\x80\x80"])
def test_what_is_not_utf8_is_unreadable(broken: bytes) -> None:
    with pytest.raises(Unreadable, match="UTF-8"):
        readable(b'{"a":"' + broken + b'"}')


@pytest.mark.parametrize("data", [b"[" * 262_144, b'{"a":' * 50_000, b'{"rooms":true,"x":' + b"[" * 200_000])
def test_deep_nesting_is_unreadable_before_a_decoder_recurses(data: bytes) -> None:
    with pytest.raises(Unreadable, match="levels"):
        readable(data)


def test_application_that_expects_decoding_errors_gets_nothing_else() -> None:
    """Without this a decoder ends in a RecursionError, and in a UnicodeDecodeError, which are none."""
    for data in (b'{"x":' + b"[" * 200_000, b'{"\xff":1}'):
        with pytest.raises((RecursionError, UnicodeDecodeError)):
            decode(data)
        with pytest.raises(msgspec.MsgspecError):
            decode(readable(data))


def test_levels_are_those_that_the_json_variant_leaves_to_data() -> None:
    assert readable(b"[" * DATA_DEPTH + b"]" * DATA_DEPTH)
    with pytest.raises(Unreadable):
        readable(b"[" * (DATA_DEPTH + 1) + b"]" * (DATA_DEPTH + 1))


@pytest.mark.parametrize("half", [rb"\ud83d", rb"\uD83D", rb"\uDC00", rb"\udc00\ud83d"])
def test_half_of_an_escaped_pair_becomes_a_replacement_character(half: bytes) -> None:
    assert decode(readable(b'{"a":"x' + half + b'y"}')) == {"a": "x" + "\ufffd" * (len(half) // 6) + "y"}


@pytest.mark.parametrize("text", [rb"\ud83d\ude00", rb"\\ud83d", "😀".encode(), rb"\u00fc"])
def test_whole_pairs_and_backslashes_stay(text: bytes) -> None:
    assert readable(b'{"a":"' + text + b'"}') == b'{"a":"' + text + b'"}'


def test_brackets_in_strings_are_not_depth() -> None:
    assert is_shallow(rb'["[[[[[[[[[[", "\"[[[[[[[[[[\\"]')
    assert not is_shallow(b'["' + b"[" * 20 + b'"' + b"[" * 20)


@pytest.mark.parametrize("data", [b"\xff", b"[" * 100, rb'"\ud800"'])
def test_what_was_looked_at_is_not_looked_at_again(data: bytes) -> None:
    assert readable(Readable(data)) == data


@pytest.mark.parametrize("data", [b"null", b"1", b'"x"', b'{"a":[1, 2]}', b" {}\t", rb'"\n\r"'])
def test_one_value_on_one_line_is_embedded_as_it_is(data: bytes) -> None:
    assert embeddable(data) == data


def test_what_would_break_the_line_or_its_reader_is_mended() -> None:
    assert embeddable(b'{\n"a":\r\n1\r}') == b'{ "a":  1 }'
    assert embeddable(rb'"\ud800"') == rb'"\ufffd"'


@pytest.mark.parametrize(
    "data",
    [b"", b"test", b"{", b"{}{}", b"NaN", b'{"a":1}}}\n{"push":{}}', b'"\n"', b'"\xff"', b"[" * 7 + b"]" * 7],
)
def test_anything_else_is_not_embedded(data: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        embeddable(data)


@pytest.mark.parametrize("attack", [b"[" * 250_000, b"[]" * 125_000, b'"' * 250_000, rb"\ud800" * 40_000])
def test_hostile_data_costs_linear_time(attack: bytes) -> None:
    started = time.process_time()
    with pytest.raises(msgspec.DecodeError):
        embeddable(attack)
    assert time.process_time() - started < 0.5
