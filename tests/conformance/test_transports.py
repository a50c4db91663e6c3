"""The other transports, as suites of the browser's SDK use them: a stream down, requests up, to any instance."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from tests.conformance.talk import token


def connect() -> str:
    return json.dumps({"id": 1, "connect": {"token": token()}})


@asynccontextmanager
async def http_stream(address: str) -> AsyncIterator[AsyncIterator[Any]]:
    async def lines() -> AsyncIterator[Any]:
        async for line in response.content:
            yield json.loads(line)

    async with (
        aiohttp.ClientSession() as http,
        http.post(f"http://{address}/connection/http_stream", data=connect()) as response,
    ):
        yield lines()


@asynccontextmanager
async def server_sent_events(address: str) -> AsyncIterator[AsyncIterator[Any]]:
    async def events() -> AsyncIterator[Any]:
        async for line in response.content:
            if line.startswith(b"data: "):
                yield json.loads(line.removeprefix(b"data: "))

    async with (
        aiohttp.ClientSession() as http,
        http.get(f"http://{address}/connection/sse", params={"cf_connect": connect()}) as response,
    ):
        assert response.content_type == "text/event-stream"
        yield events()


@pytest.mark.parametrize("transport", [http_stream, server_sent_events])
@pytest.mark.parametrize("nearby", ["the same instance", ""])
async def test_a_stream_answers_what_is_sent_to_any_instance(two: tuple[str, str], transport: Any, nearby: str) -> None:
    async with transport(two[0]) as messages, aiohttp.ClientSession() as http:
        connected = (await anext(messages))["connect"]
        command = json.dumps({"id": 2, "subscribe": {"channel": "streamed"}})
        sent = {"session": connected["session"], "node": connected["node"], "data": command}
        response = await http.post(f"http://{two[0] if nearby else two[1]}/emulation", json=sent)
        assert response.status == 204
        async for message in messages:
            if message.get("id") == 2:
                assert "epoch" in message["subscribe"]
                break


async def test_without_the_secret_nothing_is_taken(two: tuple[str, str]) -> None:
    async with http_stream(two[0]) as messages, aiohttp.ClientSession() as http:
        connected = (await anext(messages))["connect"]
        sent = {"session": "guessed", "node": connected["node"], "data": '{"id":2,"rpc":{}}'}
        assert (await http.post(f"http://{two[0]}/emulation", json=sent)).status == 404
