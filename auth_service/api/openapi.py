"""The OpenAPI 3.1 document of auth, made from the operations, the types of their bodies and the errors there are.

Nothing in it is written twice. It needs no token; no page of another origin may read it.
"""

from typing import Any, Final

import msgspec
from aiohttp import web

from auth_service.api.bodies import LoginForm
from auth_service.api.operations import OPERATIONS, Authority, Operation
from auth_service.core import errors
from auth_service.core.passwords import MAX_PASSWORD_CHARACTERS, MIN_PASSWORD_CHARACTERS
from shared.openapi import REFERENCE, raised_in, refused
from shared.problems import Problem

_FORM = "application/x-www-form-urlencoded"
_ABOUT: Final = """\
Accounts, sessions and access tokens. Log in, and send the access token as `Authorization: Bearer`; before it expires \
fetch the next one from `/auth/token`, which the refresh cookie opens.

What a browser alone would stand for, without a Bearer token, is refused to pages of other sites. Answers may gain \
fields; branch on `code` of a problem, never on its text. The proxy in front may refuse anything with 413, 421 \
(`misdirected`), 429 (`rate_limited`) or 503 (`service_unavailable`), as problems too.\
"""
# What HTTP itself refuses; all else is in core/errors.py.
_ELSEWHERE: Final = {
    "invalid_request": (400, "The request cannot be read. The detail names the field."),
    "body_too_large": (413, "The body is over 64 KiB."),
    "unsupported_media_type": (415, "Send JSON with `Content-Type: application/json`."),
    "unsupported_encoding": (415, "Send the body without a Content-Encoding."),
    "internal": (500, "Something went wrong on our side. Try again."),
}
_SECURITY: Final[dict[Authority, list[dict[str, list[str]]]]] = {
    "none": [],
    "bearer": [{"bearer": []}],
    "cookie": [{"refresh": []}],
    # Whoever shows nothing is logged out already.
    "cookie or bearer": [{"refresh": []}, {"bearer": []}, {}],
}
_SET_COOKIE: Final = {"Set-Cookie": {"schema": {"type": "string"}, "description": "The refresh cookie, or its end."}}


class DocumentHandlers:
    def __init__(self, document: bytes) -> None:
        self._document = document

    async def document(self, _request: web.Request) -> web.Response:
        return web.Response(body=self._document, content_type="application/json")


def document(version: str, *, refresh_cookie: str) -> bytes:
    """Make the document, as JSON."""
    paths: dict[str, dict[str, Any]] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation)
    return msgspec.json.encode(
        {
            "openapi": "3.1.0",
            "info": {"title": "Parley auth", "version": version, "description": _ABOUT},
            "servers": [{"url": "/"}],
            "paths": paths,
            "components": {
                "securitySchemes": {
                    "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
                    "refresh": {"type": "apiKey", "in": "cookie", "name": refresh_cookie},
                },
                "schemas": _schemas(),
            },
        }
    )


def refusals() -> dict[str, tuple[int, str]]:
    """Collect the status and the sentence of every code there is."""
    raised = raised_in(errors, least=MIN_PASSWORD_CHARACTERS, most=MAX_PASSWORD_CHARACTERS, retry_after_seconds=1.0)
    return {**raised, **_ELSEWHERE}


def _operation(operation: Operation) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation.id,
        "summary": operation.summary,
        "security": _SECURITY[operation.authority],
        "responses": {**_answers(operation), **_refusals(operation)},
    }
    if operation.takes is not None:
        described["requestBody"] = {"required": True, "content": _content(operation, operation.takes)}
    if "{id}" in operation.path:
        described["parameters"] = [{"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}]
    return described


def _content(operation: Operation, takes: type) -> dict[str, Any]:
    content = {"application/json": {"schema": _schema(takes)}}
    return {**content, _FORM: {"schema": _schema(LoginForm)}} if operation.is_form else content


def _answers(operation: Operation) -> dict[str, Any]:
    answer: dict[str, Any] = {"description": "Done.", "headers": _SET_COOKIE if operation.sets_cookie else {}}
    if operation.answers is not None:
        answer["content"] = {"application/json": {"schema": _schema(operation.answers)}}
    answers = {str(operation.status): answer}
    if operation.is_form:
        location = {"Location": {"required": True, "schema": {"type": "string"}, "description": "A path of this site."}}
        answers["303"] = {"description": "To a form: logged in or not, go there.", "headers": _SET_COOKIE | location}
    return answers


def _refusals(operation: Operation) -> dict[str, Any]:
    own = {code: refusal for code, refusal in refusals().items() if code in operation.refusals}
    return {str(status): refused(status, own) for status in sorted({status for status, _ in own.values()})}


def _schema(kind: type) -> dict[str, Any]:
    (schema,), _ = msgspec.json.schema_components((kind,), ref_template=REFERENCE)
    return schema


def _schemas() -> dict[str, Any]:
    named = [kind for one in OPERATIONS for kind in (one.takes, one.answers) if kind is not None]
    _, schemas = msgspec.json.schema_components((*named, LoginForm, Problem), ref_template=REFERENCE)
    schemas["Problem"]["properties"]["code"]["examples"] = sorted(refusals())
    return schemas
