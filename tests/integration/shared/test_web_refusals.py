"""Attacks on the parser and on addresses: each is refused as everything else is, and nothing that came in goes out."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from http.client import HTTPResponse
from io import BytesIO
from typing import Any, NamedTuple, NoReturn, cast

import pytest
from aiohttp import web
from aiohttp.typedefs import Handler

from shared.errors import InvalidInput
from shared.headers import SECURITY_HEADERS
from shared.web import Site, application, bind
from shared.web_refusals import check_path
from tests.integration.shared.kennel import kennel

ESCAPES = [
    "%00",
    "a%00b",
    "%",
    "a%",
    "%z1",
    "%1",
    "%zz",
    "%ff",
    "%c0%80",
    "%ed%a0%80",
    "%0d%0aSet-Cookie:a",
    "%1b",
    "%7f",
]


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: str

    @property
    def problem(self) -> dict[str, Any]:
        assert self.headers["Content-Type"] == "application/problem+json"
        return cast("dict[str, Any]", json.loads(self.body))


class _Bytes:
    def __init__(self, received: bytes) -> None:
        self._received = received

    def makefile(self, *_arguments: object) -> BytesIO:
        return BytesIO(self._received)


Ask = Callable[[bytes], Awaitable[Answer]]


async def ask_once(port: int, request: bytes) -> Answer:
    async with asyncio.timeout(10):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(request)
        response = HTTPResponse(cast("Any", _Bytes(await reader.read())))
        response.begin()
        writer.close()
        await writer.wait_closed()
        return Answer(response.status, dict(response.getheaders()), response.read().decode())


@asynccontextmanager
async def served(app: web.Application) -> AsyncIterator[Ask]:
    site = Site(app, shutdown_seconds=0.1)
    await site.start()
    sockets = bind(["127.0.0.1"], 0)
    await site.listen(sockets)
    port: int = sockets[0].getsockname()[1]
    try:
        yield lambda request: ask_once(port, request)
    finally:
        await site.close()


@pytest.fixture
async def ask() -> AsyncIterator[Ask]:
    """Bytes to a server of the kennel, and its answer until it closes."""
    async with served(kennel()) as ask:
        yield ask


def request(line: str, *headers: str, body: str = "") -> bytes:
    return "\r\n".join([line, "Host: a", "Connection: close", *headers, "", body]).encode("latin-1")


DOG = '{"name": "Rex"}'
LENGTH = f"Content-Length: {len(DOG)}"
UNREADABLE = {
    "two kinds of body": request(
        "POST /dogs HTTP/1.1", LENGTH, "Content-Type: application/json", "Content-Type: text/plain", body=DOG
    ),
    "two lengths": request("POST /dogs HTTP/1.1", LENGTH, "Content-Length: 3", body=DOG),
    "length and chunks": request("POST /dogs HTTP/1.1", LENGTH, "Transfer-Encoding: chunked", body=DOG),
    "two hosts": request("GET /who HTTP/1.1", "Host: hunter2"),
    "control character": request("GET /who HTTP/1.1", "Authorization: Bearer hunter2\x01"),
    "bare nul": request("GET /dogs/hunter2\x00 HTTP/1.1"),
    "bare byte": request("GET /dogs/hunter2\xff HTTP/1.1"),
    "port that is none": request("GET http://hunter2:99999/who HTTP/1.1"),
    "line too long": request(f"GET /{'hunter2' * 2000} HTTP/1.1"),
    "no http": b"hunter2\r\n\r\n",
    "tls": b"\x16\x03\x01\x00\xa5\x01\r\n\r\n",
}


@pytest.mark.parametrize("sent", UNREADABLE.values(), ids=UNREADABLE)
async def test_what_cannot_be_read_is_a_problem_that_quotes_nothing(ask: Ask, sent: bytes) -> None:
    answer = await ask(sent)
    assert (answer.status, answer.problem["code"]) == (400, "invalid_request")
    assert answer.problem["request_id"] == answer.headers["X-Request-Id"] != ""
    assert "hunter2" not in answer.body
    assert answer.headers.items() >= SECURITY_HEADERS.items()
    assert answer.headers["Cache-Control"] == "no-store"


async def test_expectation_nobody_meets_is_a_problem_too(ask: Ask) -> None:
    answer = await ask(request("GET /who HTTP/1.1", "Expect: hunter2"))
    assert (answer.status, answer.problem["code"]) == (417, "request_refused")
    assert answer.problem["request_id"] == answer.headers["X-Request-Id"]
    assert "hunter2" not in answer.body


@pytest.mark.parametrize("escape", ESCAPES)
async def test_escape_that_stands_for_no_text_is_refused_with_and_without_a_route(ask: Ask, escape: str) -> None:
    for path in (f"/dogs/{escape}", f"/nothing{escape}", f"http://a/dogs/{escape}"):
        answer = await ask(request(f"GET {path} HTTP/1.1"))
        assert (answer.status, answer.problem["code"]) == (400, "invalid_request")
        assert answer.problem["request_id"] == answer.headers["X-Request-Id"]


async def test_servers_go_on_after_an_attack(ask: Ask) -> None:
    for sent in UNREADABLE.values():
        await ask(sent)
    answer = await ask(request("POST /dogs HTTP/1.1", LENGTH, "Content-Type: application/json", body=DOG))
    assert answer.status == 201


async def test_failure_outside_of_our_own_boundary_shows_nothing() -> None:
    @web.middleware
    async def fail(request: web.Request, handler: Handler) -> NoReturn:
        raise RuntimeError("the secret is forty-two", request, handler)

    app = application(trusted=())
    app.middlewares.insert(0, fail)
    async with served(app) as ask:
        answer = await ask(request("GET / HTTP/1.1"))
        assert (answer.status, answer.problem["code"]) == (500, "internal")
        assert "forty-two" not in answer.body


@pytest.mark.parametrize("path", ["/", "/a%20b", "/%C3%A4", "/%F0%9F%90%B6", "/a%2Fb", "/a?b=%00%zz%ff"])
def test_address_of_text_passes(path: str) -> None:
    check_path(path)


def test_address_is_refused_with_what_to_do() -> None:
    with pytest.raises(InvalidInput, match="Mend it"):
        check_path("/a%00")
