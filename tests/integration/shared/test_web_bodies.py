import asyncio
from io import BytesIO, StringIO
from typing import Any

import pytest

from tests.integration.shared.kennel import Client, access_lines


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
