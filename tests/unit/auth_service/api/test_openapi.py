"""The document: valid, complete, and made of nothing but the operations, types and errors there are."""

import json
from typing import Any

import pytest
from openapi_spec_validator import validate

from auth_service.api import openapi
from auth_service.api.operations import OPERATIONS, Operation

DOCUMENT: dict[str, Any] = json.loads(openapi.document("1.2.3", refresh_cookie="__Host-cookie"))

# Said on the command line, or to services of this site.
NOT_IN_PUBLIC = {"user_not_found", "administrator_exists", "invalid_internal_key"}

each = pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.id)


def described(operation: Operation) -> dict[str, Any]:
    found: dict[str, Any] = DOCUMENT["paths"][operation.path][operation.method.lower()]
    return found


def test_it_is_a_valid_openapi_document() -> None:
    validate(DOCUMENT)
    assert (DOCUMENT["openapi"], DOCUMENT["info"]["version"]) == ("3.1.0", "1.2.3")
    assert DOCUMENT["components"]["securitySchemes"]["refresh"]["name"] == "__Host-cookie"


def test_every_code_there_is_belongs_to_an_operation_and_the_other_way_round() -> None:
    answered = {code for operation in OPERATIONS for code in operation.refusals}
    assert answered == openapi.refusals().keys() - NOT_IN_PUBLIC


@each
def test_every_code_is_in_the_answer_of_its_status_with_its_sentence(operation: Operation) -> None:
    responses = described(operation)["responses"]
    for code in operation.refusals:
        status, sentence = openapi.refusals()[code]
        assert f"- `{code}`: {sentence}" in responses[str(status)]["description"]


@each
def test_what_is_taken_is_strict_and_what_is_answered_is_described(operation: Operation) -> None:
    found = described(operation)
    if operation.takes is not None:
        reference = found["requestBody"]["content"]["application/json"]["schema"]["$ref"]
        assert DOCUMENT["components"]["schemas"][reference.rpartition("/")[2]]["additionalProperties"] is False
    answer = found["responses"][str(operation.status)]
    assert (operation.status == 204) == ("content" not in answer)


def test_log_in_takes_a_form_and_answers_it_with_a_redirect() -> None:
    found = DOCUMENT["paths"]["/auth/login"]["post"]
    assert "application/x-www-form-urlencoded" in found["requestBody"]["content"]
    assert found["responses"]["303"]["headers"]["Location"]["required"]
