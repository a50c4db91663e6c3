"""The gateway's URL table."""

from aiohttp import web
from aiohttp.typedefs import Handler

from shared.web import Trusted, application

CONNECTION = "/connection/websocket"
HTTP_STREAM = "/connection/http_stream"
EMULATION = "/emulation"


def make_application(
    *, trusted: Trusted, connect: Handler, http_stream: Handler, emulation: Handler
) -> web.Application:
    """Serve the protocol's addresses. That of the WebSocket takes every method: the transport says what is wrong."""
    app = application(trusted=trusted)
    app.router.add_route("*", CONNECTION, connect)
    for address, handler in ((HTTP_STREAM, http_stream), (EMULATION, emulation)):
        app.router.add_post(address, handler)
        app.router.add_options(address, handler)
    return app
