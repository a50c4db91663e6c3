"""What every answer of a service tells browsers: read it as what it says it is, show it nowhere, tell nobody.

The services answer with data and never with a page, so nothing in an answer may load or run anything. Pages, and the
promise of https, are the front's: it hands these headers on and adds its own only where a service has sent none.
"""

from http import HTTPStatus

from aiohttp import web

SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
}


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Add them as the answer begins; what a handler said itself stays."""
    if response.status == HTTPStatus.SWITCHING_PROTOCOLS:
        return
    for name, value in SECURITY_HEADERS.items():
        response.headers.setdefault(name, value)
    if response.status == HTTPStatus.UNAUTHORIZED:
        wrong = ', error="invalid_token"' if "Authorization" in request.headers else ""
        response.headers["WWW-Authenticate"] = f'Bearer realm="parley"{wrong}'
