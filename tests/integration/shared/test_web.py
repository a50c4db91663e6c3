import asyncio
import json
from io import StringIO
from ipaddress import ip_network

import pytest
from aiohttp import WSServerHandshakeError
from prometheus_client import REGISTRY
from pytest_aiohttp import AiohttpClient

from shared.web import application
from tests.integration.shared.kennel import Client, access_lines, who


async def test_request_that_is_not_http_is_refused_and_not_quoted_in_the_log(client: Client, log: StringIO) -> None:
    server = client.server
    reader, writer = await asyncio.open_connection(server.host, server.port)
    writer.write(b"GET /who HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer hunter2\x01\r\n\r\n")
    async with asyncio.timeout(5):
        status = await reader.readline()
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
