import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat_gateway.core import search
from chat_gateway.core.search import Term, index, parse
from shared.errors import InvalidInput


def test_words_are_folded_and_kept_once() -> None:
    made = index("Straße STRASSE, \uff21\uff22\uff23 abc-Foo_bar! 3.14")
    assert made.tokens == ("strasse", "abc", "foo_bar", "3", "14")


def test_text_without_spaces_becomes_overlapping_pairs_beside_its_words() -> None:
    made = index("I saw 東京タワー in ﾄｳｷｮｳ")
    assert made.tokens == ("i", "saw", "in", "東京", "京タ", "タワ", "ワー", "トウ", "ウキ", "キョ", "ョウ")
    assert index("京").tokens == ("京",)


def test_grams_are_the_three_letter_parts_of_words() -> None:
    assert index("tower to").grams == ("tow", "owe", "wer")


def test_marks_belong_to_the_word_they_stand_in() -> None:
    assert index("किताब").tokens == ("किताब",)
    assert index("e\u0301t\u00e9").tokens == ("été",)


def test_a_link_is_noticed() -> None:
    assert index("look: HTTPS://example.org/x").has_link
    assert not index("http:// is no link").has_link


def test_a_text_that_folds_into_many_times_its_length_is_cut() -> None:
    assert len(index("\ufdfa" * 8_000).folded) == search.MAX_FOLDED


def test_a_query_is_words_phrases_and_filters() -> None:
    query = parse('Tower 東京 "see  It" from:me from:"Ann Lee" in:lobby has:link has:pin')
    assert query.terms == (
        Term("tower", prefix="tower", grams=("tow", "owe", "wer")),
        Term("see", prefix="see", grams=("see",)),
        Term("it", prefix="it"),
        Term("東京", tokens=("東京",)),
    )
    assert query.phrases == ("see it",)
    assert (query.authors, query.rooms) == (("me", "Ann Lee"), ("lobby",))
    assert set(query.has) == {"link", "pin"}


def test_one_character_of_text_without_spaces_has_no_token() -> None:
    assert parse("京").terms == (Term("京"),)


def test_days_are_those_of_utc_and_the_narrowest_counts() -> None:
    query = parse("before:2026-01-02 before:2026-01-01 after:2025-12-30 after:2025-12-31")
    assert (query.before, query.after) == (1_767_225_600_000, 1_767_139_200_000)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "at least one word"),
        ("!!!", "at least one word"),
        ("x" * 201, "at most 200"),
        (" ".join(f"w{number}" for number in range(17)), "at most 16"),
        ("has:cat", "link or pin, not cat"),
        ("before:tomorrow", "`tomorrow` is no date"),
        ("after:2026-02-30", "is no date"),
    ],
)
def test_a_query_that_says_nothing_is_refused_with_a_sentence(text: str, sentence: str) -> None:
    with pytest.raises(InvalidInput, match=sentence) as refused:
        parse(text)
    assert refused.value.code == "invalid_request"


@given(st.text(max_size=search.MAX_QUERY))
def test_any_text_is_a_query_or_is_refused(text: str) -> None:
    with contextlib.suppress(InvalidInput):
        parse(text)


@given(st.text(max_size=200))
def test_every_token_of_a_text_is_made_of_what_the_databases_take_for_a_token(text: str) -> None:
    made = index(text)
    for token in (*made.tokens, *made.grams):
        assert token
        assert not set(token) & set(" \t\n'\"\\")
        assert all(char.isalnum() or char == "_" for char in token if char.isascii())


@given(st.text(alphabet="aābZß東京タｱ_ ", min_size=1, max_size=40))
def test_a_text_is_found_by_each_of_its_own_words(text: str) -> None:
    made = index(text)
    try:
        terms = parse(text[: search.MAX_QUERY]).terms
    except InvalidInput:
        return
    for term in terms:
        assert term.text in made.folded
        assert set(term.tokens) <= set(made.tokens)
        assert set(term.grams) <= set(made.grams)
        assert not term.prefix or any(token.startswith(term.prefix) for token in made.tokens)
