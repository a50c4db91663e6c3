import pytest

from shared import errors
from shared.errors import AppError

FAMILIES = {
    errors.InvalidInput: (400, False),
    errors.Unauthenticated: (401, False),
    errors.Forbidden: (403, False),
    errors.NotFound: (404, False),
    errors.Conflict: (409, False),
    errors.TooLarge: (413, False),
    errors.RateLimited: (429, True),
    errors.Unavailable: (503, True),
}


@pytest.mark.parametrize("family", FAMILIES)
def test_family_says_its_status_and_whether_retrying_helps(family: type[AppError]) -> None:
    assert (family.status, family.temporary) == FAMILIES[family]


def test_every_family_is_known_here() -> None:
    known = {family for family in AppError.__subclasses__() if family.__module__ == errors.__name__}
    assert known == set(FAMILIES)


def test_error_carries_code_sentence_details_and_time() -> None:
    error = errors.RateLimited("rate_limited", "Too fast.", details={"a": "b"}, retry_after=3)
    assert (error.code, error.message, error.details, error.retry_after) == ("rate_limited", "Too fast.", {"a": "b"}, 3)
    assert str(error) == "rate_limited: Too fast."
    assert errors.NotFound("x", "y").details == {}
