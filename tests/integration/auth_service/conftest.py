"""A migrated auth database of each kind, and auth as an application on it."""

import base64
import logging
from collections.abc import AsyncIterator, Iterator
from io import StringIO
from pathlib import Path

import pytest
import structlog
from pydantic import SecretStr
from pytest_aiohttp import AiohttpClient

from auth_service.__main__ import migrate
from auth_service.app import create_app
from auth_service.crypto.passwords import ArgonPasswords
from auth_service.settings import AuthSettings
from auth_service.store.database import Database
from shared import logs
from shared.health import Health
from tests.integration.auth_service.person import ORIGIN, Client, Person, StoppedClock
from tests.postgres import PostgresServer
from tests.templates import postgres_template, sqlite_copy, sqlite_template

EMPTY = """
    DELETE FROM "user"; DELETE FROM signing_key; DELETE FROM change; UPDATE change_counter SET value = 0;
"""


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return sqlite_template(migrate, tmp_path_factory.mktemp("auth"))


@pytest.fixture(scope="session")
def migrated_database(postgres_server: PostgresServer) -> str:
    """The name of a migrated PostgreSQL database, emptied after each test: making one costs more than most tests."""
    return postgres_template(migrate, postgres_server)


@pytest.fixture(params=["sqlite", "postgresql"])
def migrated_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a freshly migrated database, once of each kind."""
    if request.param == "sqlite":
        yield sqlite_copy(request.getfixturevalue("migrated_file"), tmp_path)
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    name = request.getfixturevalue("migrated_database")
    yield server.url(name)
    server.execute(EMPTY, name)


@pytest.fixture
def rings() -> list[str]:
    """One item for each ring of the doorbell."""
    return []


@pytest.fixture
async def database(migrated_url: str, rings: list[str]) -> AsyncIterator[Database]:
    database = Database(migrated_url, on_change=lambda: rings.append("ring"))
    yield database
    await database.close()


@pytest.fixture
def passwords() -> Iterator[ArgonPasswords]:
    """The real thing at a price tests can pay."""
    passwords = ArgonPasswords(memory_kib=64, time_cost=1)
    yield passwords
    passwords.close()


@pytest.fixture
def settings(migrated_url: str, tmp_path: Path) -> AuthSettings:
    return AuthSettings(
        parley_mode="production",
        public_url=ORIGIN,
        redis_url=f"unix://{tmp_path}/nobody.sock",
        internal_key=SecretStr("i" * 32),
        refresh_keys=SecretStr("a:" + base64.b64encode(b"k" * 32).decode()),
        database_url=migrated_url,
    )


@pytest.fixture
def clock() -> StoppedClock:
    return StoppedClock()


@pytest.fixture
async def client(
    aiohttp_client: AiohttpClient, settings: AuthSettings, passwords: ArgonPasswords, clock: StoppedClock
) -> Client:
    app = create_app(settings, health=Health(), passwords=passwords, clock=clock)
    client: Client = await aiohttp_client(app)
    return client


@pytest.fixture
def person(client: Client) -> Person:
    """Somebody at a browser, not registered yet."""
    return Person(client)


@pytest.fixture
def log() -> Iterator[StringIO]:
    """What the service logs, at the most talkative level."""
    root = logging.getLogger()
    before = root.handlers[:], root.level
    stream = StringIO()
    logs.configure("auth_service", "debug", stream)
    yield stream
    root.handlers[:], root.level = before
    structlog.reset_defaults()
