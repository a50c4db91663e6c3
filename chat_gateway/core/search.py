"""What is searched by: the words of a text as both databases index them, and the query a person types.

Both sides are folded alike (NFKC, case). Text without spaces (Chinese, Japanese, Korean) is cut into overlapping pairs;
everything else into words. `grams` are the three-letter parts of words, for a search inside of a word. The databases
store tokens and compare them; they never split a text themselves, so they agree.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime

import msgspec

from shared.errors import InvalidInput

MAX_QUERY = 200
MAX_TERMS = 16
GRAM = 3
MAX_FOLDED = 16_000
"""Characters of a folded text that are kept: folding may multiply a text, and what an index takes has a limit."""

_UNSPACED = (
    "\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3031-\u3035\u3038-\u303c\u3040-\u30ff\u3100-\u312f\u3131-\u318e"
    "\u31a0-\u31bf\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\U0001b000-\U0001b16f"
    "\U00020000-\U0003ffff"
)
_RUN = re.compile(rf"[{_UNSPACED}]+|[^{_UNSPACED}]+")
_LINK = re.compile(r"https?://\S", re.IGNORECASE)
_PART = re.compile(r'(?P<key>from|in|before|after|has):(?:"(?P<quoted>[^"]*)"|(?P<plain>\S+))|"(?P<phrase>[^"]+)"|\S+')
_LONGEST_WORD = 64


class Indexed(msgspec.Struct, frozen=True):
    """A text as it is stored for search: `folded` is searched through, the tokens lead to it."""

    folded: str
    tokens: tuple[str, ...]
    grams: tuple[str, ...]
    has_link: bool


class Term(msgspec.Struct, frozen=True):
    """One thing that must be in the text, at the beginning of a word or inside of it: `text`, folded.

    `tokens` must all be there; `prefix` is the beginning of one. Where `grams` are there they lead to the same texts
    and to those that have it inside a word. A term with none of them (one character of unspaced text) leads nowhere:
    the texts themselves have to be looked through.
    """

    text: str
    tokens: tuple[str, ...] = ()
    prefix: str = ""
    grams: tuple[str, ...] = ()


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """`before` and `after` are Unix milliseconds: below the one, at or above the other. `has` is link or pin."""

    terms: tuple[Term, ...] = ()
    phrases: tuple[str, ...] = ()
    authors: tuple[str, ...] = ()
    rooms: tuple[str, ...] = ()
    before: int | None = None
    after: int | None = None
    has: frozenset[str] = frozenset()


def index(text: str) -> Indexed:
    """Make what is stored for a text."""
    folded = fold(text)[:MAX_FOLDED]
    words, runs = _words(folded)
    short = (run for run in runs if len(run) == 1)
    tokens = dict.fromkeys([*(word[:_LONGEST_WORD] for word in words), *_pairs(runs), *short])
    grams = dict.fromkeys(gram for word in words for gram in _cut(word, GRAM))
    return Indexed(folded, tuple(tokens), tuple(grams), _LINK.search(text) is not None)


def parse(text: str) -> Query:
    """Read what a person typed: words, "phrases", `from:`, `in:`, `before:`, `after:` and `has:`.

    Raises InvalidInput `invalid_request` for an empty or too long query, an unknown `has:`, and a date that is none.
    """
    if len(text) > MAX_QUERY:
        raise _bad(f"A search has at most {MAX_QUERY} characters.")
    given: dict[str, list[str]] = {"from": [], "in": [], "before": [], "after": [], "has": []}
    phrases: list[str] = []
    free: list[str] = []
    for part in _PART.finditer(text):
        if key := part["key"]:
            given[key].append(part["plain"] if part["quoted"] is None else part["quoted"])
        elif part["phrase"]:
            phrases.append(part["phrase"])
            free.append(part["phrase"])
        else:
            free.append(part[0])
    terms = tuple(_terms(" ".join(free)))
    if not terms and not any(given.values()):
        raise _bad("Type at least one word to search for.")
    if len(terms) > MAX_TERMS:
        raise _bad(f"A search has at most {MAX_TERMS} words.")
    if unknown := set(given["has"]) - {"link", "pin"}:
        raise _bad(f"`has:` takes link or pin, not {unknown.pop()}.")
    return Query(
        terms=terms,
        phrases=tuple(filter(None, (" ".join(fold(phrase).split()) for phrase in phrases))),
        authors=tuple(given["from"]),
        rooms=tuple(given["in"]),
        before=min(map(_midnight, given["before"]), default=None),
        after=max(map(_midnight, given["after"]), default=None),
        has=frozenset(given["has"]),
    )


def fold(text: str) -> str:
    """Make texts that differ in case, width or composition only the same."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def _terms(text: str) -> Iterator[Term]:
    words, runs = _words(fold(text))
    for word in dict.fromkeys(words):
        prefix = word[:_LONGEST_WORD]
        yield Term(word, prefix=prefix, grams=tuple(dict.fromkeys(_cut(word, GRAM))))
    for run in dict.fromkeys(runs):
        yield Term(run, tokens=tuple(dict.fromkeys(_pairs([run]))))


def _words(folded: str) -> tuple[list[str], list[str]]:
    """Split into words, and into runs of text that knows no spaces."""
    words: list[str] = []
    runs: list[str] = []
    for part in "".join(char if _is_of_word(char) else " " for char in folded).split():
        for run in _RUN.findall(part):
            (runs if _is_unspaced(run[0]) else words).append(run)
    return words, runs


def _is_of_word(char: str) -> bool:
    return char.isalnum() or char == "_" or unicodedata.category(char)[0] == "M"


def _is_unspaced(char: str) -> bool:
    return re.match(f"[{_UNSPACED}]", char) is not None


def _pairs(runs: Iterable[str]) -> Iterator[str]:
    for run in runs:
        yield from _cut(run, 2)


def _cut(text: str, length: int) -> Iterator[str]:
    return (text[start : start + length] for start in range(len(text) - length + 1))


def _midnight(day: str) -> int:
    try:
        start = date.fromisoformat(day)
    except ValueError as error:
        raise _bad(f"`{day}` is no date: write it like 2026-11-24.") from error
    return int(datetime(start.year, start.month, start.day, tzinfo=UTC).timestamp()) * 1000


def _bad(sentence: str) -> InvalidInput:
    return InvalidInput("invalid_request", sentence)
