import re
from pathlib import Path

import pytest

from chat_gateway.protocol import codes
from chat_gateway.protocol.codes import APPLICATION_ERRORS, PROTOCOL_ERRORS, Disconnect, Unsubscription

ERRORS_OF_THE_CLIENT = Path(__file__).parents[4] / "chat_gateway" / "web" / "src" / "core" / "errors.ts"


def all_of(kind: type[Disconnect] | type[Unsubscription]) -> list[Disconnect | Unsubscription]:
    return [value for value in vars(codes).values() if isinstance(value, kind)]


def test_protocol_errors_are_100_to_113_in_order() -> None:
    assert [error.number for error in PROTOCOL_ERRORS] == list(range(100, 114))
    assert {error.number for error in PROTOCOL_ERRORS if error.temporary} == {100, 111, 113}
    assert all(error.text and error.code.replace("_", "").isalpha() for error in PROTOCOL_ERRORS)


def test_each_application_code_has_its_own_number_in_the_application_range() -> None:
    numbers = list(APPLICATION_ERRORS.values())
    assert len(set(numbers)) == len(numbers)
    assert all(400 <= number <= 1999 for number in numbers)
    assert not APPLICATION_ERRORS.keys() & {error.code for error in PROTOCOL_ERRORS}


@pytest.mark.parametrize("code", APPLICATION_ERRORS)
def test_each_application_code_has_a_sentence_in_the_browser_client(code: str) -> None:
    _, _, sentences = ERRORS_OF_THE_CLIENT.read_text().partition("const SENTENCES")
    assert len(re.findall(rf"^  {code}: '[A-Z][^']+\.',$", sentences, re.MULTILINE)) == 1


def test_numbers_that_clients_know_do_not_change() -> None:
    assert codes.number("invalid_request") == 400
    assert codes.number("text_too_long") == 402
    assert codes.number("room_not_found") == 440
    assert codes.number("client_id_conflict") == 460


def test_codes_of_the_protocol_itself_keep_its_numbers() -> None:
    assert codes.number("method_not_found") == 104
    assert codes.number("token_expired") == 109
    assert codes.number("store_unavailable") == codes.number("internal") == 100


def test_unlisted_code_is_internal() -> None:
    assert codes.number("no_such_code") == 100


def test_disconnects_have_distinct_codes_and_a_reason_that_is_sent_whole() -> None:
    disconnects = all_of(Disconnect)
    assert len({value.code for value in disconnects}) == len(disconnects) == 21
    # An empty reason, or one that reads as JSON, makes SDKs come back although the code says stay away.
    assert all(0 < len(value.reason) <= 123 and value.reason[0].isalpha() for value in disconnects)


def test_unsubscribe_codes_are_in_their_range() -> None:
    unsubscriptions = all_of(Unsubscription)
    assert sorted(value.code for value in unsubscriptions) == [2000, 2500, 2501, 2502]
    assert all(value.reason for value in unsubscriptions)
