"""aiohttp glue: what every HTTP face of ours does alike, written once.

A request gets an id, one access line (never a query string, a token or a body) and, if it is refused, a problem
document. Bodies are bounded, unencoded and decoded strictly. A forwarded address is believed from trusted networks
only. Nothing here knows a route of a service.
"""

import asyncio
import errno
import gc
import re
import signal
import socket
import sys
import time
import uuid
from collections.abc import Callable, Coroutine, Sequence
from http import HTTPStatus
from ipaddress import ip_address
from typing import Any, TypeAlias, TypeVar

import msgspec
import structlog
import uvloop
from aiohttp import web
from aiohttp.typedefs import Handler

from shared import metrics, problems
from shared.errors import AppError, InvalidInput, TooLarge
from shared.headers import add_headers
from shared.settings import Networks, SettingsError
from shared.web_paths import check_path

Trusted: TypeAlias = Networks
T = TypeVar("T")

TRUSTED = web.AppKey("TRUSTED", tuple)
REQUEST_ID = web.RequestKey("REQUEST_ID", str)

_SANE_REQUEST_ID = re.compile(r"[A-Za-z0-9_.-]{8,64}")
_DISCONNECTED_STATUS = 499


Bind = Callable[[str, int], socket.socket]
"""Makes a bound socket for an address. Raises OSError."""


class StartError(Exception):
    """The service cannot start; the text says what to do."""


class UnsupportedEncoding(AppError):
    status = 415


def application(*, body_limit_bytes: int = 1 << 20, trusted: Trusted) -> web.Application:
    """An application with ids, access log, problem documents and a body limit; the caller adds its routes."""
    app = web.Application(
        client_max_size=body_limit_bytes,
        middlewares=[_observe, _render_errors, _refuse_encoded],
        # The parser would unpack a body before any of us sees the request, and fail on it after the answer.
        handler_args={"auto_decompress": False},
    )
    app[TRUSTED] = trusted
    app.on_response_prepare.append(_complete)
    return app


@web.middleware
async def _observe(request: web.Request, handler: Handler) -> web.StreamResponse:
    sent = request.headers.get("X-Request-Id", "")
    request_id = sent if _SANE_REQUEST_ID.fullmatch(sent) else uuid.uuid4().hex
    request[REQUEST_ID] = request_id
    started = time.perf_counter()
    status = _DISCONNECTED_STATUS
    with structlog.contextvars.bound_contextvars(request_id=request_id):
        try:
            response = await handler(request)
            status = response.status
        except web.HTTPException as redirect:
            status = redirect.status
            raise
        finally:
            _note(request, status, time.perf_counter() - started)
    return response


def _note(request: web.Request, status: int, seconds: float) -> None:
    resource = request.match_info.route.resource
    # A socket lives for hours: it is counted by its own metrics, not as a slow request.
    if status != HTTPStatus.SWITCHING_PROTOCOLS:
        metrics.observe_request(request.method, resource.canonical if resource else "none", status, seconds)
    structlog.get_logger("access").info(
        "request",
        method=request.method,
        path=request.path,
        status=status,
        ms=round(seconds * 1000, 1),
        client=client_address(request),
    )


@web.middleware
async def _render_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        check_path(request.raw_path)
        return await handler(request)
    except AppError as error:
        return problems.refusal(error, request[REQUEST_ID])
    except web.HTTPException as error:
        if error.status < HTTPStatus.BAD_REQUEST:
            raise
        return problems.http_error(error, request[REQUEST_ID])
    except Exception:  # noqa: BLE001 -- the one boundary of HTTP
        structlog.get_logger("web").exception("request.failed", method=request.method, path=request.path)
        return problems.internal(request[REQUEST_ID])


@web.middleware
async def _refuse_encoded(request: web.Request, handler: Handler) -> web.StreamResponse:
    # A few packed bytes may be a gigabyte unpacked; no client of ours packs.
    codings = ",".join(request.headers.getall("Content-Encoding", [])).lower().split(",")
    if not request.body_exists or {coding.strip() for coding in codings} <= {"", "identity"}:
        return await handler(request)
    error = UnsupportedEncoding("unsupported_encoding", "Send the body unencoded, without `Content-Encoding`.")
    response = problems.refusal(error, request[REQUEST_ID])
    response.headers["Accept-Encoding"] = "identity"
    return response


async def _complete(request: web.Request, response: web.StreamResponse) -> None:
    # By signal and not in the middleware: a WebSocket's head is sent before its handler returns.
    response.headers["X-Request-Id"] = request.get(REQUEST_ID, "")
    await add_headers(request, response)


async def read_body(request: web.Request) -> bytes:
    """The whole body, refused by its announced length before a byte is read. Raises TooLarge, InvalidInput."""
    limit = request.client_max_size
    if request.content_length is not None and request.content_length > limit:
        raise TooLarge("body_too_large", f"The body is too large; at most {limit} bytes are taken.")
    try:
        return await request.read()
    except (web.RequestPayloadError, ConnectionError) as error:
        raise InvalidInput("invalid_request", "The body broke off. Send it again.") from error


def check_is_json(request: web.Request) -> None:
    """Refuse a body that does not say it is JSON: a foreign page may send a form or plain text without asking."""
    if request.content_type != "application/json":
        raise web.HTTPUnsupportedMediaType


async def read_json(request: web.Request, kind: type[T]) -> T:
    """The body as `kind`, decoded strictly. Raises InvalidInput naming the field, TooLarge, UnsupportedMediaType."""
    check_is_json(request)
    body = await read_body(request)
    try:
        return msgspec.json.decode(body, type=kind, strict=True)
    except msgspec.ValidationError as error:
        message, _, path = str(error).partition(" - at `")
        field = path.removesuffix("`").removeprefix("$").removeprefix(".") or "body"
        raise InvalidInput("invalid_request", f"{field}: {message}.", details={field: message}) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidInput("invalid_request", "The body is not valid JSON.") from error


def json_response(obj: object, status: int = 200) -> web.Response:
    return web.Response(body=msgspec.json.encode(obj), status=status, content_type="application/json")


def client_address(request: web.Request) -> str:
    """Who really asks: the nearest address that is not a trusted proxy; what a stranger wrote is ignored."""
    address = request.remote or ""
    forwarded = [part.strip() for part in ",".join(request.headers.getall("X-Forwarded-For", [])).split(",")]
    for candidate in reversed(forwarded):
        if not candidate or not _is_trusted(address, request.app[TRUSTED]):
            break
        address = candidate
    return address


def _is_trusted(address: str, trusted: Trusted) -> bool:
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    return any(parsed in network for network in trusted)


def open_socket(host: str, port: int) -> socket.socket:
    """Bind a socket for a service's port. Raises OSError."""
    return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)


def bind(hosts: Sequence[str], port: int, open_one: Bind = open_socket) -> list[socket.socket]:
    """Bind the port on every host, before anything else is started. Raises StartError."""
    sockets: list[socket.socket] = []
    for host in hosts:
        try:
            sockets.append(open_one(host, port))
        except OSError as error:
            for bound in sockets:
                bound.close()
            raise StartError(_port_problem(error, host, port)) from error
    return sockets


class Site:
    """One application on one port.

    `start` prepares it, `listen` opens the port, `stop_listening` closes it while requests in flight go on, `close`
    ends everything within the given seconds.
    """

    def __init__(self, app: web.Application, *, shutdown_seconds: float = 5.0) -> None:
        # nginx keeps idle upstream connections 60 s; ours must outlive that or a request meets a closing socket.
        self._runner = web.AppRunner(
            app, access_log=None, keepalive_timeout=75.0, shutdown_timeout=shutdown_seconds, handle_signals=False
        )

    async def start(self) -> None:
        await self._runner.setup()

    async def listen(self, sockets: Sequence[socket.socket]) -> None:
        """Take connections on these bound sockets from now on."""
        for bound in sockets:
            await web.SockSite(self._runner, bound).start()

    async def stop_listening(self) -> None:
        for site in self._runner.sites:
            await site.stop()
        if self._runner.server is not None:
            self._runner.server.pre_shutdown()

    async def close(self) -> None:
        await self._runner.cleanup()


def _port_problem(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} on {host} is taken by another program. Stop that one, or choose another port."
    if error.errno == errno.EACCES:
        return f"Port {port} may not be opened by this user. Choose one above 1023."
    return f"Cannot listen on {host}, port {port}: {error.strerror or error}. Check LISTEN_HOST and the port."


def stop_signal() -> asyncio.Event:
    """An event that SIGTERM or SIGINT sets; replaces Python's own reaction for the running loop."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop


async def serve(
    app: web.Application,
    ops: web.Application,
    *,
    hosts: Sequence[str],
    port: int,
    ops_port: int,
    stop: asyncio.Event | None = None,
) -> None:
    """Serves until the signal or the given event; requests in flight end. Raises StartError."""
    stop = stop or stop_signal()
    ops_site, site = Site(ops, shutdown_seconds=1.0), Site(app)
    try:
        await ops_site.start()
        await ops_site.listen(bind(hosts, ops_port))
        await site.start()
        await site.listen(bind(hosts, port))
        # What is there now stays: a full collection would look at it each time, and stop everything for 80 ms. None is
        # made for it here, when clients come already: in a large heap it stops everything for a second.
        gc.freeze()
        structlog.get_logger("web").info("serving", hosts=list(hosts), port=port, ops_port=ops_port)
        await stop.wait()
        await site.stop_listening()
    finally:
        await site.close()
        await ops_site.close()


def run(main: Coroutine[Any, Any, None]) -> int:
    """Runs a program and answers its exit status; what the user can repair is a sentence, not a traceback."""
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(main)
    except (SettingsError, StartError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0
