"""Data that is no JSON, which only clients of the Protobuf encoding publish and only they are told."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
from centrifuge import Client

from tests.conformance.sdk_client import PATIENCE_SECONDS, end
from tests.conformance.talk import connected, token

RAW = b"\x00\xff{"


@asynccontextmanager
async def publishing(address: str) -> AsyncIterator[Client]:
    client = Client(f"ws://{address}/connection/websocket", token=token("bob"), use_protobuf=True)
    await client.connect()
    await client.ready(PATIENCE_SECONDS)
    try:
        yield client
    finally:
        await end(client)


@pytest.mark.parametrize("place", [0, 1])
async def test_a_json_client_that_is_published_raw_bytes_is_sent_away(two: tuple[str, str], place: int) -> None:
    channel = f"raw-{place}"
    async with connected(two[0]) as first, connected(two[0]) as second, publishing(two[place]) as publisher:
        for talker in (first, second):
            await talker.call(subscribe={"channel": channel})
        await publisher.publish(channel, b"1")
        await publisher.publish(channel, RAW)
        for talker in (first, second):
            assert (await talker.push("pub", channel))["data"] == 1
            assert await talker.closed() == (3506, "inappropriate protocol")
        page = await publisher.history(channel, limit=10)
        assert [one.data for one in page.publications] == [b"1", RAW]


async def test_a_json_client_cannot_recover_or_read_raw_bytes_either(two: tuple[str, str]) -> None:
    async with publishing(two[0]) as publisher:
        await publisher.publish("raw-past", RAW)
    recover, read = {"channel": "raw-past", "recover": True}, {"channel": "raw-past", "limit": 1}
    for command in ({"subscribe": recover}, {"history": read}):
        async with connected(two[0]) as talker:
            await talker._socket.send_json({"id": 9, **command})
            assert await talker.closed() == (3506, "inappropriate protocol")


async def test_json_on_several_lines_reaches_a_json_client(two: tuple[str, str]) -> None:
    async with connected(two[0]) as talker, publishing(two[1]) as publisher:
        await talker.call(subscribe={"channel": "lines"})
        await publisher.publish("lines", b'{\n  "a": 1,\r\n  "b": 2\n}')
        assert (await talker.push("pub", "lines"))["data"] == {"a": 1, "b": 2}


async def test_nothing_is_no_data(two: tuple[str, str]) -> None:
    async with connected(two[0]) as talker:
        assert (await talker.call(publish={"channel": "nothing"}))["code"] == 107


async def test_the_api_shows_raw_bytes_as_base64(two: tuple[str, str]) -> None:
    async with publishing(two[0]) as publisher:
        await publisher.publish("raw-api", RAW)
    async with aiohttp.ClientSession(headers={"X-API-Key": "test-api-key"}) as http:
        response = await http.post(f"http://{two[0]}/api/history", json={"channel": "raw-api", "limit": 1})
        assert (await response.json())["result"]["publications"][0]["b64data"] == "AP97"
