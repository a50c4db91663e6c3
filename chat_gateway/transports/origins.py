"""Which pages may talk to the gateway: those of the listed origins. What runs without a browser sends no origin.

No cookie is read here, so a page of another site has nothing to ride on; it is refused all the same.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler

from shared import problems
from shared.errors import AppError, Forbidden
from shared.web import REQUEST_ID

Answer = Callable[[web.Request, Mapping[str, str]], Awaitable[web.StreamResponse]]
"""A handler that puts these headers on what it answers."""

_PREFLIGHT = {
    hdrs.ACCESS_CONTROL_ALLOW_METHODS: "POST, OPTIONS",
    hdrs.ACCESS_CONTROL_ALLOW_HEADERS: "Content-Type",
    hdrs.ACCESS_CONTROL_MAX_AGE: "600",
}


def check_origin(request: web.Request, *, origins: Collection[str]) -> None:
    """Raise Forbidden for a page of an origin that is not listed."""
    if any(origin not in origins for origin in request.headers.getall(hdrs.ORIGIN, [])):
        raise Forbidden("origin_not_allowed", "Pages of this origin may not connect. Open the site at its own address.")


def shared_with(origins: Collection[str], answer: Answer) -> Handler:
    """Let pages of these origins, which may be others than the gateway's own, send requests and read the answers."""

    async def handle(request: web.Request) -> web.StreamResponse:
        check_origin(request, origins=origins)
        headers: dict[str, str] = {hdrs.VARY: hdrs.ORIGIN}
        if origin := request.headers.get(hdrs.ORIGIN):
            headers[hdrs.ACCESS_CONTROL_ALLOW_ORIGIN] = origin
        if request.method == hdrs.METH_OPTIONS:
            return web.Response(status=204, headers=headers | _PREFLIGHT)
        try:
            return await answer(request, headers)
        except AppError as error:
            response = problems.refusal(error, request.get(REQUEST_ID, ""))
            response.headers.update(headers)
            return response

    return handle
