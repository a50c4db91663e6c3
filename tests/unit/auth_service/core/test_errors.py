import inspect

import pytest

from auth_service.core import errors
from shared.errors import AppError

MAKERS = {
    name: made for name, made in inspect.getmembers(errors, inspect.isfunction) if made.__module__ == errors.__name__
}
ARGUMENTS: dict[str, tuple[object, ...]] = {
    "invalid_field": ("name", "is odd"),
    "password_too_short": (8,),
    "password_too_long": (256,),
    "busy": (2.0,),
    "too_many_attempts": (2.0,),
}


@pytest.mark.parametrize("name", MAKERS)
def test_every_refusal_is_a_sentence_with_a_code(name: str) -> None:
    refusal = MAKERS[name](*ARGUMENTS.get(name, ()))
    assert isinstance(refusal, AppError)
    assert refusal.code == refusal.code.lower()
    assert refusal.message.endswith(".")


def test_temporary_refusals_say_when_to_come_back() -> None:
    for refusal in (errors.busy(2.0), errors.too_many_attempts(2.0), errors.store_unavailable()):
        assert refusal.temporary
        assert refusal.retry_after is not None


def test_codes_are_different_or_one_family() -> None:
    codes = [MAKERS[name](*ARGUMENTS.get(name, ())).code for name in MAKERS]
    assert len(set(codes)) == len(codes)
