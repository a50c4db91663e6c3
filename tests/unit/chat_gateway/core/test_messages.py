import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat_gateway.core import messages
from shared.errors import AppError, InvalidInput, TooLarge
from tests.builders import ID


def test_content_is_the_body_as_it_was_written() -> None:
    assert messages.content("  hello\n", None) == '{"body":"  hello\\n"}'


def test_a_reply_names_the_entry_it_answers() -> None:
    assert msgspec.json.decode(messages.content("yes", ID.upper())) == {"body": "yes", "reply_to": ID}


@pytest.mark.parametrize("body", ["", " ", "\n\t ", "\u3000"])
def test_a_message_needs_some_text(body: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        messages.content(body, None)
    assert refused.value.code == "empty_text"


@pytest.mark.parametrize("body", ["x" * 8_000, "ä" * 8_000, "\N{GRINNING FACE}" * 8_000])
def test_a_message_may_have_8000_characters(body: str) -> None:
    assert msgspec.json.decode(messages.content(body, None))["body"] == body


@pytest.mark.parametrize("body", ["x" * 8_001, " " * 8_000 + "x", "\N{GRINNING FACE}" * 8_001])
def test_a_longer_message_is_refused(body: str) -> None:
    with pytest.raises(TooLarge) as refused:
        messages.content(body, None)
    assert refused.value.code == "text_too_long"
    assert "8,001" in refused.value.message


def test_a_message_of_more_than_32_kib_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(messages, "MAX_BYTES", 10)
    assert messages.content("ä" * 5, None)
    with pytest.raises(TooLarge) as refused:
        messages.content("ä" * 6, None)
    assert refused.value.code == "text_too_long"


def test_a_nul_is_refused() -> None:
    with pytest.raises(InvalidInput) as refused:
        messages.content("a\0b", None)
    assert refused.value.code == "invalid_request"


def test_identifiers_are_uuids_in_one_spelling() -> None:
    assert messages.client_id(ID.upper()) == ID
    assert messages.client_id("{" + ID + "}") == ID
    assert messages.entry_id(ID.replace("-", "")) == ID


@pytest.mark.parametrize("text", ["", "1", "hello", ID + "0", ID[:-1] + "g"])
def test_anything_else_is_no_identifier(text: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        messages.client_id(text)
    assert refused.value.details == {"client_id": "not a UUID"}
    with pytest.raises(InvalidInput) as refused:
        messages.content("hello", text)
    assert refused.value.details == {"reply_to": "not a UUID"}


@given(text=st.text(max_size=40))
def test_an_identifier_that_is_taken_is_taken_again_and_stays(text: str) -> None:
    try:
        taken = messages.client_id(text)
    except AppError:
        return
    assert messages.client_id(taken) == taken
    assert len(taken) == 36


@given(body=st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=200))
def test_a_body_that_is_taken_comes_back_unchanged(body: str) -> None:
    try:
        content = messages.content(body, None)
    except AppError:
        return
    assert msgspec.json.decode(content) == {"body": body}
    assert "\n" not in content
