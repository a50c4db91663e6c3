"""Requests that no handler gets to see: what is not HTTP, and an address that stands for no text.

aiohttp answers the first with a text that quotes what came in, and lets the second pass, its bad escapes left out or in
as it finds them. Here both are problem documents like every other refusal.
"""

import re
import uuid
from http import HTTPStatus
from typing import Final
from urllib.parse import unquote_to_bytes

from aiohttp import web
from typing_extensions import override

from shared import problems
from shared.errors import InvalidInput
from shared.headers import SECURITY_HEADERS

_BAD_ESCAPE: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def check_path(raw_path: str) -> None:
    """Refuse an address with escapes that are none, or that stand for control characters or no text at all.

    One path would be two: the proxy in front, our routes and a log would each read it otherwise. Raises InvalidInput.
    """
    path = raw_path.partition("?")[0]
    if "%" in path and not _is_text(path):
        raise InvalidInput("invalid_request", "The address has an escape (%) that stands for no text. Mend it.")


def _is_text(path: str) -> bool:
    if _BAD_ESCAPE.search(path):
        return False
    try:
        return not _CONTROL.search(unquote_to_bytes(path).decode())
    except UnicodeDecodeError:
        return False


class Runner(web.AppRunner):
    """Runs an application whose connections refuse what they cannot read as everything else is refused."""

    @override
    async def _make_server(self) -> web.Server:
        server = await super()._make_server()
        # aiohttp has no place to name another kind of server, and makes this one with much that is its own.
        server.__class__ = _Server
        return server


class _Server(web.Server):
    @override
    def __call__(self) -> web.RequestHandler:
        return _Connection(self, loop=self._loop, **self._kwargs)


class _Connection(web.RequestHandler):
    __slots__ = ()

    @override
    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        # aiohttp logs it, and ends the connection where an answer has begun.
        super().handle_error(request, status, exc, message)
        request_id = uuid.uuid4().hex
        is_theirs = status < HTTPStatus.INTERNAL_SERVER_ERROR
        response = problems.http_error(web.HTTPBadRequest(), request_id) if is_theirs else problems.internal(request_id)
        response.force_close()
        return _complete(response, request_id)

    @override
    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        # What aiohttp refuses before any middleware runs, like an expectation nobody can meet.
        if isinstance(resp, web.HTTPException) and resp.status >= HTTPStatus.BAD_REQUEST:
            request_id = uuid.uuid4().hex
            resp = _complete(problems.http_error(resp, request_id), request_id)
        return await super().finish_response(request, resp, start_time)


def _complete(response: web.Response, request_id: str) -> web.Response:
    """No signal of the application does it for these."""
    response.headers["X-Request-Id"] = request_id
    response.headers["Cache-Control"] = "no-store"
    response.headers.update(SECURITY_HEADERS)
    return response
