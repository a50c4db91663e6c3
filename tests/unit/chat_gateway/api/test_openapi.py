"""The document: valid, complete, and made of nothing but the types, docstrings and errors there are."""

import json
from typing import Any

import pytest
from openapi_spec_validator import validate

from chat_gateway.api import openapi
from chat_gateway.api.verbs import VERBS
from chat_gateway.core.limits import ChatLimits
from chat_gateway.protocol import codes

DOCUMENT: dict[str, Any] = json.loads(openapi.document("1.2.3"))


def test_it_is_a_valid_openapi_document() -> None:
    validate(DOCUMENT)
    assert (DOCUMENT["openapi"], DOCUMENT["info"]["version"]) == ("3.1.0", "1.2.3")


def test_every_verb_is_an_operation_of_its_name() -> None:
    operations = {path: item["post"]["operationId"] for path, item in DOCUMENT["paths"].items()}
    assert operations == {f"/{name}": name for name in VERBS}


@pytest.mark.parametrize("name", VERBS)
def test_every_verb_says_what_it_does_takes_and_answers(name: str) -> None:
    operation = DOCUMENT["paths"][f"/{name}"]["post"]
    assert operation["summary"]
    assert not operation["summary"].endswith(".")
    body = operation["requestBody"]["content"]["application/json"]["schema"]
    request = DOCUMENT["components"]["schemas"][body["$ref"].rpartition("/")[2]]
    assert request["additionalProperties"] is False, "a request is strict"
    assert "$ref" in operation["responses"]["200"]["content"]["application/json"]["schema"]


def test_no_part_of_an_answer_is_left_open() -> None:
    for name, schema in DOCUMENT["components"]["schemas"].items():
        for field, kind in schema.get("properties", {}).items():
            assert kind, f"{name}.{field}"
            assert kind.get("items") != {}, f"{name}.{field}"


def test_entries_are_described_and_referred_to() -> None:
    page = DOCUMENT["components"]["schemas"]["Page"]["properties"]["entries"]
    assert page["items"] == {"$ref": "#/components/schemas/Entry"}


def test_limits_of_the_types_are_limits_of_the_document() -> None:
    limit = DOCUMENT["components"]["schemas"]["PageRequest"]["properties"]["limit"]
    assert (limit["minimum"], limit["maximum"]) == (1, 200)


def test_every_code_of_a_refusal_is_listed_with_its_status() -> None:
    listed = openapi.refusals()
    assert codes.APPLICATION_ERRORS.keys() <= listed.keys(), "make it in core/errors.py, or list it in api/openapi.py"
    for code, (status, sentence) in listed.items():
        assert f"`{code}`: {sentence}" in DOCUMENT["components"]["responses"][f"Problem{status}"]["description"]


def test_every_verb_may_be_refused_with_every_family() -> None:
    for item in DOCUMENT["paths"].values():
        assert item["post"]["responses"].keys() >= {"400", "401", "403", "404", "409", "413", "415", "429", "503"}


def test_examples_fit_their_requests() -> None:
    for name, example in openapi._EXAMPLES.items():
        VERBS[name].decode(json.dumps(example).encode())


def test_the_limits_that_are_set_are_those_of_the_document() -> None:
    limits = ChatLimits(text_characters=123, text_bytes=4_567, rooms_per_person=89)
    parts = json.loads(openapi.document("1", limits))["components"]
    for name in ("PostMessage", "EditMessage"):
        assert parts["schemas"][name]["properties"]["body"] == {"type": "string", "maxLength": 123}
        assert DOCUMENT["components"]["schemas"][name]["properties"]["body"]["maxLength"] == 8_000
    assert "at most 123 characters and 4,567 bytes" in parts["responses"]["Problem413"]["description"]
    assert "more rooms than 89" in parts["responses"]["Problem409"]["description"]
    assert "more rooms than 1,000" in DOCUMENT["components"]["responses"]["Problem409"]["description"]
