"""The stores of any number of gateways on one chat database."""

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from typing import Any

import pytest

from tests.integration.chat_gateway.store.gateway import Gateway
from tests.postgres import PostgresServer

OpenGateway = Callable[..., Awaitable[Gateway]]


@pytest.fixture
def fresh_postgres(postgres_server: PostgresServer, migrated_postgres: str) -> Iterator[Callable[[], str]]:
    """Makes databases, for a test that needs many."""
    names: list[str] = []

    def make() -> str:
        names.append(f"chat_{uuid.uuid4().hex}")
        return postgres_server.create_database(names[-1], template=migrated_postgres)

    yield make
    for name in names:
        postgres_server.drop_database(name)


@pytest.fixture
async def open_gateway() -> AsyncIterator[OpenGateway]:
    async with AsyncExitStack() as stack:

        async def open_one(url: str, **options: Any) -> Gateway:
            return await stack.enter_async_context(Gateway(url, **options))

        yield open_one


@pytest.fixture
async def gateway(url: str, open_gateway: OpenGateway) -> Gateway:
    return await open_gateway(url)


@pytest.fixture
async def other(url: str, open_gateway: OpenGateway) -> Gateway:
    """A second gateway on the same database."""
    return await open_gateway(url)


@pytest.fixture
async def faulty(url: str, open_gateway: OpenGateway) -> Gateway:
    """A gateway whose link to the database can be made to fail."""
    return await open_gateway(url, faulty=True, patience_seconds=0.3)
