import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat_gateway.core.rooms import DEFAULT_ROOM, MAX_NAME, MAX_TOPIC, room_name, room_topic
from shared.errors import AppError, InvalidInput
from tests.builders import room


def test_a_name_is_tidied() -> None:
    assert room_name("  The\t big \n room ") == "The big room"
    assert room_name("e\N{COMBINING ACUTE ACCENT}t") == "\N{LATIN SMALL LETTER E WITH ACUTE}t"


@pytest.mark.parametrize("text", ["", "   ", "x" * 81, "a\0b", "a\x1bb", "right\N{RIGHT-TO-LEFT OVERRIDE}left"])
def test_a_name_that_is_empty_long_or_unprintable_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        room_name(text)
    assert refused.value.code == "invalid_request"


@pytest.mark.parametrize("text", ["\u200d", "\u200c \u200d", "\ufe0f", "\u3164", "\u2800\u2800", "\u034f"])
def test_a_name_that_shows_nothing_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        room_name(text)
    assert refused.value.code == "invalid_request"


@pytest.mark.parametrize("text", ["\N{WOMAN}\u200d\N{ROCKET}", "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645"])
def test_emoji_and_persian_keep_their_joiners(text: str) -> None:
    assert (room_name(text), room_topic(text)) == (text, text)


def test_a_name_may_be_80_characters_after_it_was_tidied() -> None:
    assert len(room_name(" " + "ä" * 80 + " ")) == MAX_NAME


def test_a_topic_may_be_empty_and_is_tidied() -> None:
    assert (room_topic(" \n "), room_topic(" All \n things ")) == ("", "All things")
    assert len(room_topic(" " + "ä" * 250)) == MAX_TOPIC


@pytest.mark.parametrize("text", ["x" * 251, "a\0b", "right\N{RIGHT-TO-LEFT OVERRIDE}left"])
def test_a_topic_that_is_long_or_unprintable_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="topic"):
        room_topic(text)


@given(text=st.text(max_size=100))
def test_a_tidy_name_stays_as_it_is(text: str) -> None:
    try:
        name = room_name(text)
    except AppError:
        return
    assert room_name(name) == name


def test_everybody_begins_in_the_lobby() -> None:
    assert DEFAULT_ROOM == "lobby"


def test_a_room_is_what_one_person_sees() -> None:
    assert room(role=None, marker=0, unread=0) != room()
