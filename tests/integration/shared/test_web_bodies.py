import asyncio
import gzip
import json
import tracemalloc
from io import BytesIO, StringIO
from typing import Any

import pytest

from tests.integration.shared.kennel import Client, access_lines

JSON = {"Content-Type": "application/json"}


async def test_body_is_decoded_and_answered(client: Client) -> None:
    response = await client.post("/dogs", json={"name": "rex"})
    assert response.status == 201
    assert await response.json() == {"name": "rex", "legs": 4, "puppies": []}


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
    response = await client.post("/dogs", data=body, headers=JSON)
    problem = await response.json()
    assert (response.status, problem["code"]) == (400, "invalid_request")
    assert list(problem["errors"]) == [field]


@pytest.mark.parametrize("body", [b"", b"{", b'{"name": "\xff"}', b"[" * 999, b'{"name": "\\ud800"}'])
async def test_body_that_is_no_json_is_refused(client: Client, body: bytes) -> None:
    response = await client.post("/dogs", data=body, headers=JSON)
    assert (response.status, (await response.json())["code"]) == (400, "invalid_request")


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "application/jsonp"])
async def test_json_must_be_called_json(client: Client, kind: str) -> None:
    response = await client.post("/dogs", data=b'{"name": "rex"}', headers={"Content-Type": kind})
    assert (response.status, (await response.json())["code"]) == (415, "unsupported_media_type")


async def test_body_over_the_limit_is_refused_by_its_announcement(client: Client) -> None:
    response = await client.post("/dogs", data=BytesIO(b" " * 9_000_000), headers=JSON)
    problem = await response.json()
    assert (response.status, problem["code"], problem["title"]) == (413, "body_too_large", "Content Too Large")
    assert (await client.post("/dogs", json={"name": "x" * 900})).status == 201


async def test_body_over_the_limit_is_refused_without_announcement(client: Client) -> None:
    async def chunks() -> Any:
        for _ in range(20):
            yield b" " * 100

    response = await client.post("/dogs", data=chunks(), headers=JSON)
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


@pytest.mark.parametrize("path", ["/dogs", "/who", "/nowhere"])
@pytest.mark.parametrize("coding", ["gzip", "GZIP", "deflate", "br", "zstd", "identity, gzip", "rot13"])
async def test_body_that_is_encoded_is_refused_and_is_no_error_of_ours(
    client: Client, log: StringIO, path: str, coding: str
) -> None:
    response = await client.post(path, data=b"xx", headers=JSON | {"Content-Encoding": coding})
    problem = await response.json()
    assert (response.status, problem["code"]) == (415, "unsupported_encoding")
    assert problem["detail"] == "Send the body unencoded, without `Content-Encoding`."
    assert response.headers["Accept-Encoding"] == "identity"
    assert (await client.get("/who")).status == 200
    assert [json.loads(line)["level"] for line in log.getvalue().splitlines()] == ["info", "info"]


async def test_encoded_body_is_never_unpacked(client: Client, log: StringIO) -> None:
    bomb = gzip.compress(bytes(64 << 20))
    tracemalloc.start()
    try:
        response = await client.post("/dogs", data=BytesIO(bomb), headers=JSON | {"Content-Encoding": "gzip"})
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (response.status, (await response.json())["code"]) == (415, "unsupported_encoding")
    assert peak_bytes < 2 << 20
    assert (await client.get("/who")).status == 200
    assert "error" not in log.getvalue()


@pytest.mark.parametrize("coding", ["identity", "Identity", "identity, identity", ""])
async def test_body_that_is_called_unencoded_is_taken(client: Client, coding: str) -> None:
    response = await client.post("/dogs", data=b'{"name": "rex"}', headers=JSON | {"Content-Encoding": coding})
    assert response.status == 201


async def test_request_without_a_body_has_nothing_encoded(client: Client) -> None:
    assert (await client.get("/who", headers={"Content-Encoding": "gzip"})).status == 200
