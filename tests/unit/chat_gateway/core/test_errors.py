from collections.abc import Callable

import pytest

from chat_gateway.core import errors
from chat_gateway.protocol import codes
from shared.errors import AppError

REFUSALS: list[Callable[[], AppError]] = [
    errors.room_not_found,
    errors.not_allowed,
    errors.direct_room,
    errors.not_your_message,
    errors.not_reachable,
    errors.oneself,
    errors.member_not_found,
    errors.client_id_conflict,
    errors.too_many_rooms,
    errors.not_storable,
    errors.store_unavailable,
]


@pytest.mark.parametrize("refusal", REFUSALS)
def test_a_refusal_is_a_sentence_that_says_what_to_do(refusal: Callable[[], AppError]) -> None:
    assert refusal().message.endswith(".")
    assert refusal().message.count(".") + refusal().message.count(";") >= 2


@pytest.mark.parametrize("refusal", REFUSALS)
def test_a_refusal_has_a_number_of_its_own_in_the_protocol(refusal: Callable[[], AppError]) -> None:
    number = codes.number(refusal().code)
    assert number >= 400 or refusal().temporary


def test_only_the_unavailable_database_is_worth_another_try() -> None:
    assert [refusal().code for refusal in REFUSALS if refusal().temporary] == ["store_unavailable"]
