from collections.abc import Callable

import pytest

from auth_service.core.passwords import checked_password, compared
from shared.errors import InvalidInput

OWN = ("ann.smith@example.org", "Ann Zoë Smith", "chat.acme.example")


def refused_as(text: str, *, is_common: Callable[[str], bool] = lambda _: False) -> str | None:
    try:
        assert checked_password(text, own_words=OWN, is_common=is_common) == text
    except InvalidInput as error:
        return error.code if list(error.details) == ["password"] else "names no field"
    return None


@pytest.mark.parametrize("text", ["x" * 8, "x" * 256, "ä" * 8, "with space", "  leading", "\0\1\2\3\4\5\6\7", "🐶" * 8])
def test_password_may_be_anything_of_8_to_256_characters(text: str) -> None:
    assert refused_as(text) is None


@pytest.mark.parametrize(("text", "code"), [("x" * 7, "password_too_short"), ("x" * 257, "password_too_long")])
def test_password_of_another_length_is_refused(text: str, code: str) -> None:
    assert refused_as(text) == code


@pytest.mark.parametrize("text", ["trustno1", "TrustNo1", "ｔｒｕｓｔｎｏ１"])  # noqa: RUF001 -- wide forms are the point
def test_common_password_is_refused_however_it_is_typed(text: str) -> None:
    assert refused_as(text, is_common={"trustno1"}.__contains__) == "password_too_common"


def test_password_that_holds_a_common_one_is_accepted() -> None:
    assert refused_as("trustno1 but me", is_common={"trustno1"}.__contains__) is None


@pytest.mark.parametrize(
    "text",
    [
        "ann.smith@example.org",
        "Ann.Smith",
        "annsmith",
        "ANN ZOE\u0308 SMITH",
        "smithsmith",
        "chat.acme.example",
        "acmeacme",
        "ParleyParley",
        "parley-parley",
    ],
)
def test_own_name_and_address_and_those_of_the_site_are_refused(text: str) -> None:
    assert refused_as(text) == "password_too_common"


@pytest.mark.parametrize("text", ["ann smith likes cats", "--------", "acme-and-ann"])
def test_longer_password_may_hold_them(text: str) -> None:
    assert refused_as(text) is None


def test_what_is_compared_is_the_same_when_compared_again() -> None:
    for text in ("İstanbul", "ﬀ", "ẞ", "Σς", "\u0345\u0390", "K"):
        assert compared(compared(text)) == compared(text)
