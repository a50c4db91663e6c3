"""The gateway's URL table."""

from aiohttp import web
from aiohttp.typedefs import Handler

from shared.web import Trusted, application

CONNECTION = "/connection/websocket"


def make_application(*, trusted: Trusted, connect: Handler) -> web.Application:
    """Serve the protocol's address, whatever the method: the transport says what is wrong with the others."""
    app = application(trusted=trusted)
    app.router.add_route("*", CONNECTION, connect)
    return app
