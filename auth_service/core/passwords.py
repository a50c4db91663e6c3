"""Which passwords are accepted: any characters, 8 to 256 of them, but nothing that is tried first.

A password is taken exactly as it is typed. Only for the comparison with common ones and with the person's own words are
case and composition ignored; what is longer than such a word is not refused for holding it.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator

from auth_service.core import errors

MIN_PASSWORD_CHARACTERS = 8
MAX_PASSWORD_CHARACTERS = 256

_PRODUCT = "parley"


def checked_password(text: str, *, own_words: Iterable[str], is_common: Callable[[str], bool]) -> str:
    """`own_words` are the person's name and address and those of the site. Raises InvalidInput."""
    if len(text) < MIN_PASSWORD_CHARACTERS:
        raise errors.password_too_short(MIN_PASSWORD_CHARACTERS)
    if len(text) > MAX_PASSWORD_CHARACTERS:
        raise errors.password_too_long(MAX_PASSWORD_CHARACTERS)
    if is_common(compared(text)) or _is_own_word(text, own_words):
        raise errors.password_too_common()
    return text


def compared(text: str) -> str:
    """The text as it is compared: composed, in compatibility forms and lower case."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def _is_own_word(text: str, own_words: Iterable[str]) -> bool:
    bare = _bare(text)
    return bool(bare) and any(bare in (_bare(word), 2 * _bare(word)) for word in _parts(own_words))


def _parts(own_words: Iterable[str]) -> Iterator[str]:
    """Each word whole, and what it is made of: the parts of a name, of an address, of a host."""
    for word in (_PRODUCT, *own_words):
        yield word
        yield from re.split(r"[\W_]+", word)
        yield from word.split("@")


def _bare(text: str) -> str:
    """Letters and digits only: `ann.example` is no better than `Ann Example`."""
    return "".join(letter for letter in compared(text) if letter.isalnum())
