"""A real server with the transport on it, on asyncio's loop and on uvloop, and a client that speaks raw bytes."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any

import pytest
import uvloop

from tests.integration.chat_gateway.transports.wire import Client, Server


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    server = Server()
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def connect(server: Server) -> AsyncIterator[Callable[..., Awaitable[Client]]]:
    """Open connections to the server; all are closed at the end."""
    clients: list[Client] = []

    async def open_one(**options: Any) -> Client:
        client = await Client.open(server.port, **options)
        clients.append(client)
        return client

    yield open_one
    for client in clients:
        client.writer.close()


@pytest.fixture
async def ask(server: Server) -> AsyncIterator[Callable[..., Awaitable[Client]]]:
    """Send whole requests to the server, each on a connection of its own; all are closed at the end."""
    clients: list[Client] = []

    async def ask_one(request: bytes, **options: Any) -> Client:
        client = await Client.ask(server.port, request, **options)
        clients.append(client)
        return client

    yield ask_one
    for client in clients:
        client.writer.close()
