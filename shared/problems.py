"""Problem documents (RFC 9457): the one place where a refusal becomes an HTTP answer.

An AppError shows its code and sentence; anything else shows `internal` and the request id, never its own text.
"""

import math
from http import HTTPStatus

import msgspec
from aiohttp import web

from shared.errors import AppError

_HTTP_CODES = {
    400: ("invalid_request", "The request cannot be read. Check its form and send it again."),
    404: ("not_found", "There is nothing at this address."),
    405: ("method_not_allowed", "This address does not take that method; the Allow header lists those it takes."),
    411: ("length_required", "Send the body's length."),
    413: ("body_too_large", "The body is too large; send less."),
    415: ("unsupported_media_type", "Send JSON with `Content-Type: application/json`."),
}
# RFC 9110 has renamed it; older Pythons have the old name.
_TITLES = {413: "Content Too Large"}
_INTERNAL = "Something went wrong on our side. Try again; if it stays, give the request id to whoever runs this site."
_REFUSED = ("request_refused", "The request was refused.")


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """As sent: the optional members are there only when they say something."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    code: str
    request_id: str
    errors: dict[str, str] | msgspec.UnsetType = msgspec.UNSET
    retry_after: float | msgspec.UnsetType = msgspec.UNSET


def refusal(error: AppError, request_id: str) -> web.Response:
    """An AppError as its family says; with `retry_after` also as the header."""
    response = _render(
        Problem(
            title=_title(error.status),
            status=error.status,
            detail=error.message,
            code=error.code,
            request_id=request_id,
            errors=error.details or msgspec.UNSET,
            retry_after=msgspec.UNSET if error.retry_after is None else error.retry_after,
        )
    )
    if error.retry_after is not None:
        response.headers["Retry-After"] = str(math.ceil(error.retry_after))
    return response


def http_error(error: web.HTTPException, request_id: str) -> web.Response:
    """Refusals of aiohttp itself (no route, wrong method, body too large) in the same form."""
    code, detail = _HTTP_CODES.get(error.status, _REFUSED)
    response = _render(
        Problem(title=_title(error.status), status=error.status, detail=detail, code=code, request_id=request_id)
    )
    if "Allow" in error.headers:
        response.headers["Allow"] = error.headers["Allow"]
    return response


def internal(request_id: str) -> web.Response:
    return _render(
        Problem(title="Internal Server Error", status=500, detail=_INTERNAL, code="internal", request_id=request_id)
    )


def _title(status: int) -> str:
    return _TITLES.get(status) or HTTPStatus(status).phrase


def _render(problem: Problem) -> web.Response:
    return web.Response(
        body=msgspec.json.encode(problem), status=problem.status, content_type="application/problem+json"
    )
