"""A migrated chat database of each kind for each test, and whole gateways on one."""

from collections.abc import AsyncIterator, Iterator
from functools import cache
from pathlib import Path
from unittest.mock import patch

import aiohttp
import pytest

from chat_gateway.api import openapi
from chat_gateway.store.migrate import upgrade
from tests.faults import tcp_proxy
from tests.integration.chat_gateway.auth import Auth
from tests.integration.chat_gateway.key_setting import NOW, Setting
from tests.integration.chat_gateway.running import Running, running_gateway
from tests.postgres import PostgresServer
from tests.templates import postgres_database, postgres_template, sqlite_copy, sqlite_template


@pytest.fixture(scope="session", autouse=True)
def document_made_once() -> Iterator[None]:
    """Gateways of the same limits serve the same one; making it is a good part of the time it takes to make one."""
    with patch.object(openapi, "document", cache(openapi.document)):
        yield


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return sqlite_template(upgrade, tmp_path_factory.mktemp("chat"))


@pytest.fixture(scope="session")
def migrated_postgres(postgres_server: PostgresServer) -> str:
    return postgres_template(upgrade, postgres_server)


@pytest.fixture
def sqlite_url(migrated_sqlite: Path, tmp_path: Path) -> str:
    return sqlite_copy(migrated_sqlite, tmp_path)


@pytest.fixture
def postgres_url(postgres_server: PostgresServer, migrated_postgres: str) -> Iterator[str]:
    with postgres_database(postgres_server, migrated_postgres) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest) -> str:
    """The address of a migrated chat database, once of each kind."""
    return str(request.getfixturevalue(f"{request.param}_url"))


@pytest.fixture
async def gateway(sqlite_url: str, valkey_url: str) -> AsyncIterator[Running]:
    async with running_gateway(sqlite_url, valkey_url) as gateway:
        yield gateway


@pytest.fixture
async def setting() -> AsyncIterator[Setting]:
    auth = Auth(now=lambda: NOW)
    async with auth.served() as port, tcp_proxy("127.0.0.1", port) as proxy, aiohttp.ClientSession() as session:
        yield Setting(auth, proxy, session)
