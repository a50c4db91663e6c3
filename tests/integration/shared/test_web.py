import asyncio
import errno
import json
import logging
import signal
import socket
from collections.abc import Iterator
from io import BytesIO, StringIO
from ipaddress import ip_network
from typing import Any, NoReturn

import msgspec
import pytest
import structlog
from aiohttp import ClientSession, WSServerHandshakeError, web
from aiohttp.test_utils import TestClient
from prometheus_client import REGISTRY
from pytest_aiohttp import AiohttpClient

from shared import logs
from shared.errors import NotFound, Unavailable
from shared.settings import SettingsError
from shared.web import (
    Site,
    StartError,
    application,
    bind,
    client_address,
    json_response,
    open_socket,
    read_json,
    run,
    serve,
    stop_signal,
)

Client = TestClient[web.Request, web.Application]
LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("10.0.0.0/8"))


class Dog(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    legs: int = 4
    puppies: list["Dog"] = []


async def echo(request: web.Request) -> web.Response:
    return json_response(await read_json(request, Dog), status=201)


async def refuse(_request: web.Request) -> NoReturn:
    raise NotFound("dog_not_found", "There is no such dog.")


async def refuse_for_now(_request: web.Request) -> NoReturn:
    raise Unavailable("asleep", "The dog sleeps.", retry_after=2.5)


async def fail(_request: web.Request) -> NoReturn:
    raise RuntimeError("the secret is forty-two")


async def move(_request: web.Request) -> NoReturn:
    raise web.HTTPSeeOther("/elsewhere")


async def who(request: web.Request) -> web.Response:
    return json_response(client_address(request))


async def talk(request: web.Request) -> web.WebSocketResponse:
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    await socket.send_str("woof")
    await socket.close()
    return socket


@pytest.fixture
async def client(aiohttp_client: AiohttpClient) -> Client:
    app = application(body_limit_bytes=1000, trusted=LOOPBACK)
    app.add_routes(
        [
            web.post("/dogs", echo),
            web.get("/dogs/{id}", refuse),
            web.get("/asleep", refuse_for_now),
            web.get("/fail", fail),
            web.get("/move", move),
            web.get("/who", who),
            web.get("/talk", talk),
        ]
    )
    client: Client = await aiohttp_client(app)
    return client


@pytest.fixture
def log() -> Iterator[StringIO]:
    root = logging.getLogger()
    before = root.handlers[:], root.level
    stream = StringIO()
    logs.configure("dog", "info", stream)
    yield stream
    root.handlers[:], root.level = before
    structlog.reset_defaults()


def access_lines(log: StringIO) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    return [line for line in lines if line["logger"] == "access"]


async def test_body_is_decoded_and_answered(client: Client) -> None:
    response = await client.post("/dogs", json={"name": "rex"})
    assert response.status == 201
    assert await response.json() == {"name": "rex", "legs": 4, "puppies": []}
    assert response.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b'{"legs": 3}', "body"),
        (b'{"name": 5}', "name"),
        (b'{"name": "a", "legs": "4"}', "legs"),
        (b'{"name": "a", "puppies": [{"name": null}]}', "puppies[0].name"),
        (b'{"name": "a", "wings": 2}', "body"),
        (b"null", "body"),
    ],
)
async def test_wrong_body_is_refused_with_the_path_of_the_field(client: Client, body: bytes, field: str) -> None:
    response = await client.post("/dogs", data=body, headers={"Content-Type": "application/json"})
    problem = await response.json()
    assert (response.status, problem["code"]) == (400, "invalid_request")
    assert list(problem["errors"]) == [field]


@pytest.mark.parametrize("body", [b"", b"{", b'{"name": "\xff"}', b"[" * 999, b'{"name": "\\ud800"}'])
async def test_body_that_is_no_json_is_refused(client: Client, body: bytes) -> None:
    response = await client.post("/dogs", data=body, headers={"Content-Type": "application/json"})
    assert (response.status, (await response.json())["code"]) == (400, "invalid_request")


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "application/jsonp"])
async def test_json_must_be_called_json(client: Client, kind: str) -> None:
    response = await client.post("/dogs", data=b'{"name": "rex"}', headers={"Content-Type": kind})
    assert (response.status, (await response.json())["code"]) == (400, "invalid_request")


async def test_body_over_the_limit_is_refused_by_its_announcement(client: Client) -> None:
    headers = {"Content-Type": "application/json"}
    response = await client.post("/dogs", data=BytesIO(b" " * 9_000_000), headers=headers)
    assert (response.status, (await response.json())["code"]) == (413, "body_too_large")
    assert (await client.post("/dogs", json={"name": "x" * 900})).status == 201


async def test_body_over_the_limit_is_refused_without_announcement(client: Client) -> None:
    async def chunks() -> Any:
        for _ in range(20):
            yield b" " * 100

    response = await client.post("/dogs", data=chunks(), headers={"Content-Type": "application/json"})
    assert (response.status, (await response.json())["code"]) == (413, "body_too_large")


async def test_body_that_breaks_off_is_no_error_of_ours(client: Client, log: StringIO) -> None:
    server = client.server
    _, writer = await asyncio.open_connection(server.host, server.port)
    writer.write(b"POST /dogs HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 90\r\n\r\n{")
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    async with asyncio.timeout(5):
        while not (broken := [line for line in access_lines(log) if line["path"] == "/dogs"]):
            await client.get("/who")
    assert [line["status"] for line in broken] == [499]
    assert "Traceback" not in log.getvalue()


async def test_body_that_is_packed_wrongly_is_refused(client: Client) -> None:
    headers = {"Content-Type": "application/json", "Content-Encoding": "deflate"}
    response = await client.post("/dogs", data=b"not deflated", headers=headers)
    assert (response.status, (await response.json())["code"]) == (400, "invalid_request")


async def test_request_that_is_not_http_is_refused_and_not_quoted_in_the_log(client: Client, log: StringIO) -> None:
    server = client.server
    reader, writer = await asyncio.open_connection(server.host, server.port)
    writer.write(b"GET /who HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer hunter2\x01\r\n\r\n")
    status = await asyncio.wait_for(reader.readline(), 5)
    writer.close()
    await writer.wait_closed()
    assert b" 400 " in status
    assert "hunter2" not in log.getvalue()
    (line,) = [json.loads(line) for line in log.getvalue().splitlines()]
    assert (line["logger"], line["level"]) == ("aiohttp.server", "info")


async def test_refusal_is_a_problem_document_with_the_request_id(client: Client) -> None:
    response = await client.get("/dogs/5")
    problem = await response.json()
    assert (response.status, problem["code"]) == (404, "dog_not_found")
    assert problem["request_id"] == response.headers["X-Request-Id"]


async def test_temporary_refusal_says_when_to_come_back(client: Client) -> None:
    response = await client.get("/asleep")
    assert (response.status, response.headers["Retry-After"]) == (503, "3")
    assert (await response.json())["retry_after"] == 2.5


async def test_failure_shows_nothing_and_is_logged_once_with_its_request_id(client: Client, log: StringIO) -> None:
    response = await client.get("/fail")
    text = await response.text()
    assert (response.status, json.loads(text)["code"]) == (500, "internal")
    assert "forty-two" not in text
    failures = [line for line in map(json.loads, log.getvalue().splitlines()) if "exception" in line]
    assert [line["request_id"] for line in failures] == [response.headers["X-Request-Id"]]
    assert "the secret is forty-two" in failures[0]["exception"]


async def test_unknown_path_and_wrong_method_are_problems_too(client: Client) -> None:
    missing, wrong = await client.get("/nothing"), await client.delete("/dogs")
    assert (missing.status, (await missing.json())["code"]) == (404, "not_found")
    assert (wrong.status, (await wrong.json())["code"]) == (405, "method_not_allowed")


async def test_redirect_passes_and_is_logged_as_such(client: Client, log: StringIO) -> None:
    response = await client.get("/move", allow_redirects=False)
    assert (response.status, response.headers["Location"]) == (303, "/elsewhere")
    assert access_lines(log)[-1]["status"] == 303


@pytest.mark.parametrize(
    ("sent", "is_kept"),
    [("0123abcd-x", True), ("short", False), ("x" * 65, False), ('a"b{}<>12345', False), ("with space 123", False)],
)
async def test_sane_request_id_is_kept_and_any_other_replaced(client: Client, sent: str, *, is_kept: bool) -> None:
    response = await client.get("/who", headers={"X-Request-Id": sent})
    assert (response.headers["X-Request-Id"] == sent) is is_kept


async def test_access_line_has_no_query(client: Client, log: StringIO) -> None:
    await client.get("/dogs/7?token=hunter2")
    (line,) = access_lines(log)
    assert (line["method"], line["path"], line["status"]) == ("GET", "/dogs/7", 404)
    assert line["ms"] >= 0
    assert "hunter2" not in log.getvalue()


async def test_requests_are_counted_by_pattern(client: Client) -> None:
    def seen(route: str, status: str) -> float:
        labels = {"method": "GET", "route": route, "status": status}
        return REGISTRY.get_sample_value("parley_http_requests_total", labels) or 0

    before = seen("/dogs/{id}", "404"), seen("none", "404")
    for path in ("/dogs/1", "/dogs/2", "/a", "/b", "/c"):
        await client.get(path)
    assert (seen("/dogs/{id}", "404"), seen("none", "404")) == (before[0] + 2, before[1] + 3)


async def test_socket_has_its_request_id_and_is_no_slow_request(client: Client, log: StringIO) -> None:
    async with client.ws_connect("/talk") as socket:
        assert await socket.receive_str() == "woof"
        assert socket._response.headers["X-Request-Id"]
    with pytest.raises(WSServerHandshakeError):
        await client.ws_connect("/who")
    labels = {"method": "GET", "route": "/talk"}
    assert REGISTRY.get_sample_value("parley_http_request_seconds_count", labels) is None
    assert access_lines(log)[0]["status"] == 101


@pytest.mark.parametrize(
    ("forwarded", "address"),
    [
        (None, "127.0.0.1"),
        ("203.0.113.7", "203.0.113.7"),
        ("198.51.100.1, 203.0.113.7", "203.0.113.7"),
        ("203.0.113.7, 10.1.2.3", "203.0.113.7"),
        ("6.6.6.6, 203.0.113.7, 10.1.2.3, 127.0.0.1", "203.0.113.7"),
        ("", "127.0.0.1"),
        ("203.0.113.7, ", "127.0.0.1"),
        ("10.1.2.3", "10.1.2.3"),
        ("6.6.6.6, nonsense", "nonsense"),
        ("2001:db8::1", "2001:db8::1"),
    ],
)
async def test_forwarded_address_is_believed_from_trusted_proxies_only(
    client: Client, forwarded: str | None, address: str
) -> None:
    headers = {} if forwarded is None else {"X-Forwarded-For": forwarded}
    assert await (await client.get("/who", headers=headers)).json() == address


async def test_stranger_cannot_forge_his_address(aiohttp_client: AiohttpClient) -> None:
    app = application(trusted=(ip_network("10.0.0.0/8"),))
    app.router.add_get("/who", who)
    client = await aiohttp_client(app)
    response = await client.get("/who", headers={"X-Forwarded-For": "203.0.113.7"})
    assert await response.json() == "127.0.0.1"


async def test_served_until_stopped_and_requests_in_flight_end() -> None:
    entered, leave, stop = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def slow(_request: web.Request) -> web.Response:
        entered.set()
        await leave.wait()
        return web.Response(text="done")

    app, ops = application(trusted=LOOPBACK), web.Application()
    app.router.add_get("/slow", slow)
    port, ops_port = free_port(), free_port()
    serving = asyncio.create_task(serve(app, ops, hosts=["127.0.0.1"], port=port, ops_port=ops_port, stop=stop))
    async with ClientSession() as session:
        while await _is_closed(port):
            await asyncio.wait([serving], timeout=0.01)
        answer = asyncio.create_task(session.get(f"http://127.0.0.1:{port}/slow"))
        await entered.wait()
        stop.set()
        while not await _is_closed(port):
            await asyncio.wait([serving], timeout=0.01)
        assert not serving.done()
        leave.set()
        assert await (await answer).text() == "done"
    await serving
    assert await _is_closed(ops_port)


async def _is_closed(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return True
    writer.close()
    await writer.wait_closed()
    return False


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def test_free_port_is_found_and_told() -> None:
    site = Site(web.Application())
    await site.start()
    sockets = bind(["127.0.0.1"], 0)
    port = sockets[0].getsockname()[1]
    await site.listen(sockets)
    assert not await _is_closed(port)
    await site.stop_listening()
    assert await _is_closed(port)
    await site.close()


async def test_site_that_never_started_stops_too() -> None:
    site = Site(web.Application())
    await site.stop_listening()
    await site.close()


@pytest.mark.parametrize(
    ("number", "part"),
    [
        (errno.EADDRINUSE, "is taken by another program"),
        (errno.EACCES, "Choose one above 1023"),
        (errno.EADDRNOTAVAIL, "Check LISTEN_HOST"),
    ],
)
def test_port_that_cannot_be_had_is_a_sentence_and_frees_the_others(number: int, part: str) -> None:
    opened: list[socket.socket] = []

    def open_once(host: str, port: int) -> socket.socket:
        if opened:
            raise OSError(number, "refused")
        opened.append(open_socket(host, port))
        return opened[0]

    with pytest.raises(StartError, match=part):
        bind(["127.0.0.1", "127.0.0.2"], 0, open_once)
    assert opened[0].fileno() == -1


async def test_port_that_is_taken_is_a_sentence() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(StartError, match=f"Port {port} on 127.0.0.1 is taken"):
            await serve(web.Application(), web.Application(), hosts=["127.0.0.1"], port=0, ops_port=port)


async def test_sigterm_and_sigint_set_the_event() -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        stop = stop_signal()
        signal.raise_signal(number)
        await asyncio.wait_for(stop.wait(), 5)
        for each in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().remove_signal_handler(each)


@pytest.mark.parametrize("error", [SettingsError("Set A."), StartError("Port taken.")])
def test_program_that_cannot_start_says_one_sentence(error: Exception, capsys: pytest.CaptureFixture[str]) -> None:
    async def main() -> None:
        raise error

    assert run(main()) == 1
    assert capsys.readouterr().err == f"{error}\n"


def test_program_that_ends_well_ends_with_0() -> None:
    async def main() -> None:
        await asyncio.sleep(0)

    assert run(main()) == 0
