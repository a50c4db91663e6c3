import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat_gateway.core import messages
from chat_gateway.core.entries import SCRUBBED
from chat_gateway.core.ids import EntryId
from chat_gateway.core.limits import DEFAULTS, ChatLimits
from shared.errors import AppError, InvalidInput, TooLarge
from tests.builders import ID


def test_content_is_the_body_as_it_was_written() -> None:
    assert messages.content("  hello\n", None, DEFAULTS) == '{"body":"  hello\\n"}'


def test_a_reply_names_the_entry_it_answers() -> None:
    assert msgspec.json.decode(messages.content("yes", EntryId(ID), DEFAULTS)) == {"body": "yes", "reply_to": ID}


@pytest.mark.parametrize("body", ["", " ", "\n\t ", "\u3000"])
def test_a_message_needs_some_text(body: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        messages.content(body, None, DEFAULTS)
    assert refused.value.code == "empty_text"


UNSEEN = {
    "zero width space": "\u200b\u200b",
    "word joiner": "\u2060",
    "byte order mark": "\ufeff",
    "variation selectors": "\ufe0f\ufe00\U000e0100",
    "joiners": "\u200d\u200c",
    "grapheme joiner": "\u034f",
    "soft hyphen": "\u00ad",
    "direction": "\u202e\u2066\u200f",
    "controls": "\x00\x07\x1b\x7f\x85",
    "line ends": "\r\n\u2028\u2029",
    "hangul fillers": "\u115f\u1160\u3164\uffa0",
    "braille blank": "\u2800",
    "mongolian": "\u180e\u180b",
    "khmer": "\u17b4\u17b5",
    "tags": "\U000e0001\U000e0041\U000e007f",
    "many": " \u00a0\u200b\t\u2060\ufeff\ufe0f" * 100,
}
SEEN = {
    "family": "\N{MAN}\u200d\N{WOMAN}\u200d\N{GIRL}",
    "heart": "\u2764\ufe0f",
    "keycap": "1\ufe0f\u20e3",
    "flag of Scotland": "\N{WAVING BLACK FLAG}\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f",
    "Persian": "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
    "soft hyphen within": "auto\u00admatic",
    "mongolian": "\u182d\u180b",
    "behind a mark": "\ufeff\u200b.",
    "a mark alone": "\u0301",
    "private use": "\ue000",
}


@pytest.mark.parametrize("body", UNSEEN.values(), ids=UNSEEN)
def test_a_text_of_which_nobody_would_see_anything_is_none(body: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        messages.text(body, DEFAULTS)
    assert refused.value.code == "empty_text"


@pytest.mark.parametrize("body", SEEN.values(), ids=SEEN)
def test_what_shows_something_passes_untouched_with_all_that_shapes_it(body: str) -> None:
    assert messages.text(body, DEFAULTS) == body


@pytest.mark.parametrize("body", ["x" * 8_000, "ä" * 8_000, "\N{GRINNING FACE}" * 8_000])
def test_a_message_may_have_8000_characters(body: str) -> None:
    assert msgspec.json.decode(messages.content(body, None, DEFAULTS))["body"] == body


@pytest.mark.parametrize("body", ["x" * 8_001, " " * 8_000 + "x", "\N{GRINNING FACE}" * 8_001])
def test_a_longer_message_is_refused(body: str) -> None:
    with pytest.raises(TooLarge) as refused:
        messages.content(body, None, DEFAULTS)
    assert refused.value.code == "text_too_long"
    assert "8,001" in refused.value.message


def test_a_message_may_have_32_kib() -> None:
    body = "x" * 7_999 + "\N{GRINNING FACE}"
    just = ChatLimits(text_characters=8_000, text_bytes=len(body.encode()))
    assert messages.text(body, just) == body


def test_a_message_of_more_than_32_kib_is_refused() -> None:
    body = "\N{GRINNING FACE}" * 8_192
    roomy = ChatLimits(text_characters=10_000)
    assert len(messages.text(body, roomy).encode()) == 32 << 10
    with pytest.raises(TooLarge) as refused:
        messages.text(body + "x", roomy)
    assert (refused.value.code, refused.value.details) == ("text_too_long", {})
    assert refused.value.message == "A message has at most 32,768 bytes of UTF-8, this has 32,769. Send it in parts."


def test_a_limit_that_is_set_is_the_one_that_is_named() -> None:
    few = ChatLimits(text_characters=3, text_bytes=7)
    for body in ("abc", "\N{GRINNING FACE}b", "äöü"):
        assert messages.text(body, few) == body
    with pytest.raises(TooLarge, match="at most 3 characters, this has 4"):
        messages.text("abcd", few)
    with pytest.raises(TooLarge, match="at most 7 bytes of UTF-8, this has 8"):
        messages.text("\N{GRINNING FACE}" * 2, few)


def test_a_nul_is_refused() -> None:
    with pytest.raises(InvalidInput) as refused:
        messages.content("a\0b", None, DEFAULTS)
    assert refused.value.code == "invalid_request"


def test_identifiers_are_uuids_in_one_spelling() -> None:
    assert messages.client_id(ID.upper()) == ID
    assert messages.client_id("{" + ID + "}") == ID
    assert messages.entry_id(ID.replace("-", ""), "thread") == ID


@pytest.mark.parametrize("text", ["", "1", "hello", ID + "0", ID[:-1] + "g"])
def test_anything_else_is_no_identifier(text: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        messages.client_id(text)
    assert refused.value.details == {"client_id": "not a UUID"}
    with pytest.raises(InvalidInput) as refused:
        messages.entry_id(text, "thread")
    assert refused.value.details == {"thread": "not a UUID"}


@pytest.mark.parametrize(
    ("body", "mentioned"),
    [
        ("hello", ()),
        (f"<@{ID}>, see <@ann>: <@{ID}>", (ID, "ann")),
        ("<@room> lunch!", ("*",)),
        ("<@*> <@> <@a b> <@ann <<@bob>>", ("bob",)),
        (f"<@{'x' * 65}>", ()),
    ],
)
def test_whom_a_text_mentions_is_written_in_it(body: str, mentioned: tuple[str, ...]) -> None:
    assert messages.mentions(body) == mentioned


def test_a_message_mentions_at_most_50_people() -> None:
    everyone = "".join(f"<@u{number}>" for number in range(50))
    assert len(messages.mentions(everyone)) == 50
    with pytest.raises(InvalidInput, match="invalid_request"):
        messages.mentions(everyone + "<@one-more>")


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
        content = messages.content(body, None, DEFAULTS)
    except AppError:
        return
    assert msgspec.json.decode(content) == {"body": body}
    assert "\n" not in content


def test_what_is_stored_is_read_back() -> None:
    content = messages.content("hello", EntryId(ID), DEFAULTS)
    assert (messages.body_of(content), messages.reply_to(content)) == ("hello", ID)
    assert messages.reply_to(messages.content("hello", None, DEFAULTS)) is None


def test_a_scrubbed_content_keeps_what_was_answered_and_no_text() -> None:
    scrubbed = messages.scrubbed(messages.content("hello", EntryId(ID), DEFAULTS))
    assert scrubbed == f'{{"deleted":true,"reply_to":"{ID}"}}'
    assert (messages.body_of(scrubbed), messages.reply_to(scrubbed)) == ("", ID)
    assert messages.scrubbed(messages.content("hello", None, DEFAULTS)) == '{"deleted":true}'
    assert messages.scrubbed_edit(EntryId(ID)) == f'{{"deleted":true,"message":"{ID}"}}'
    assert scrubbed.startswith(SCRUBBED)
    assert messages.scrubbed_edit(EntryId(ID)).startswith(SCRUBBED)


@given(body=st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=200))
def test_no_text_can_look_scrubbed(body: str) -> None:
    try:
        content = messages.content(body, None, DEFAULTS)
    except AppError:
        return
    assert not content.startswith(SCRUBBED)


@pytest.mark.parametrize(
    "emoji",
    ["👍", "👍🏽", "❤️", "👨‍👩‍👧", "🇩🇪", "1️⃣", "⛹🏽‍♀️", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "☺", "©", ":thumbsup:", ":+1:", ":" + "a" * 30 + ":"],
)
def test_a_reaction_is_one_emoji_or_a_name(emoji: str) -> None:
    assert messages.emoji(emoji) == emoji


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a",
        "ab",
        "👍👎",
        "👍 ",
        "1",
        ":",
        "::",
        ":A:",
        ":a b:",
        ":" + "a" * 31 + ":",
        "\u200d",
        "日",
        "👍" + "🏽" * 40,
        "\0",
    ],
)
def test_anything_else_is_no_reaction(text: str) -> None:
    with pytest.raises(InvalidInput, match="invalid_request"):
        messages.emoji(text)
