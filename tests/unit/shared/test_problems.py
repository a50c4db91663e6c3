import json

import pytest
from aiohttp import web

from shared import problems
from shared.errors import InvalidInput, RateLimited


def body_of(response: web.Response) -> dict[str, object]:
    assert response.content_type == "application/problem+json"
    assert isinstance(response.body, bytes)
    body: dict[str, object] = json.loads(response.body)
    assert body["status"] == response.status
    return body


def test_refusal_shows_code_sentence_and_fields() -> None:
    response = problems.refusal(InvalidInput("invalid_request", "No.", details={"name": "is odd"}), "r-1")
    assert body_of(response) == {
        "type": "about:blank",
        "title": "Bad Request",
        "status": 400,
        "detail": "No.",
        "code": "invalid_request",
        "request_id": "r-1",
        "errors": {"name": "is odd"},
    }
    assert "Retry-After" not in response.headers


def test_refusal_for_now_says_when_to_come_back_in_whole_seconds_of_the_header() -> None:
    response = problems.refusal(RateLimited("rate_limited", "Too fast.", retry_after=1.2), "r-1")
    body = body_of(response)
    assert body["retry_after"] == 1.2
    assert "errors" not in body
    assert response.headers["Retry-After"] == "2"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (web.HTTPNotFound(), "not_found"),
        (web.HTTPRequestEntityTooLarge(1), "body_too_large"),
        (web.HTTPLengthRequired(), "length_required"),
        (web.HTTPExpectationFailed(), "request_refused"),
    ],
)
def test_refusals_of_the_library_have_the_same_form(error: web.HTTPException, code: str) -> None:
    assert body_of(problems.http_error(error, "r-1"))["code"] == code


def test_wrong_method_keeps_the_list_of_right_ones() -> None:
    response = problems.http_error(web.HTTPMethodNotAllowed("GET", ["POST"]), "r-1")
    assert response.headers["Allow"] == "POST"
    assert body_of(response)["code"] == "method_not_allowed"


def test_internal_error_shows_the_request_id_and_nothing_else() -> None:
    body = body_of(problems.internal("r-1"))
    assert (body["status"], body["code"], body["request_id"]) == (500, "internal", "r-1")
