"""A migrated auth database of each kind, and auth as an application on it."""

import asyncio
import base64
import logging
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from functools import cache
from io import StringIO
from pathlib import Path
from unittest.mock import patch

import pytest
import structlog
from pydantic import SecretStr
from pytest_aiohttp import AiohttpClient

from auth_service.api import openapi
from auth_service.app import auth_of, create_app, throttle_of
from auth_service.bus.throttle import RedisThrottle
from auth_service.core.auth import Auth
from auth_service.crypto.passwords import ArgonPasswords
from auth_service.settings import AuthSettings
from auth_service.store.database import Database
from auth_service.store.migrate import upgrade
from shared import logs
from shared.health import Health
from tests.integration.auth_service.aging import age_everything
from tests.integration.auth_service.person import ORIGIN, Client, Person, StoppedClock
from tests.integration.auth_service.rows import Age, Feed
from tests.postgres import PostgresServer
from tests.templates import postgres_database, postgres_template, sqlite_copy, sqlite_template


@pytest.fixture(scope="session", autouse=True)
def document_made_once() -> Iterator[None]:
    """Every application serves the same one; making it is half of the time it takes to make one."""
    with patch.object(openapi, "document", cache(openapi.document)):
        yield


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return sqlite_template(upgrade, tmp_path_factory.mktemp("auth"))


@pytest.fixture(scope="session")
def migrated_database(postgres_server: PostgresServer) -> str:
    """The name of a migrated PostgreSQL database, to make copies of."""
    return postgres_template(upgrade, postgres_server)


@pytest.fixture(params=["sqlite", "postgresql"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def migrated_url(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a freshly migrated database, once of each kind."""
    if kind == "sqlite":
        yield sqlite_copy(request.getfixturevalue("migrated_file"), tmp_path)
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    with postgres_database(server, request.getfixturevalue("migrated_database")) as url:
        yield url


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
def age(database: Database) -> Age:
    """Lets time pass for all rows."""

    async def age(seconds: float) -> None:
        await age_everything(database, seconds)

    return age


@pytest.fixture
def feed(database: Database) -> Feed:
    """Kind and subject of what the gateways are told, in order."""

    async def feed() -> list[tuple[str, str]]:
        return [(entry["kind"], entry.get("id", "")) for entry in (await database.changes_after(0)).changes]

    return feed


@pytest.fixture
async def throttle(settings: AuthSettings) -> AsyncIterator[RedisThrottle]:
    throttle = throttle_of(settings)
    yield throttle
    await throttle.close()


@pytest.fixture
def auth(settings: AuthSettings, database: Database, passwords: ArgonPasswords, throttle: RedisThrottle) -> Auth:
    """What the actions work with, on the real database."""
    return auth_of(settings, database, passwords, throttle)


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
        key_encryption_keys=SecretStr("a:" + base64.b64encode(b"e" * 32).decode()),
        registration="open",
        database_url=migrated_url,
    )


@pytest.fixture
def clock() -> StoppedClock:
    return StoppedClock()


@pytest.fixture
async def client(
    aiohttp_client: AiohttpClient, settings: AuthSettings, passwords: ArgonPasswords, clock: StoppedClock
) -> Client:
    """Counts log-ins in process, where time stands until a test moves it."""
    throttle = throttle_of(settings, clock)
    app = create_app(settings, health=Health(), passwords=passwords, throttle=throttle, clock=clock)
    client: Client = await aiohttp_client(app)
    return client


@pytest.fixture
def person(client: Client) -> Person:
    """Somebody at a browser, not registered yet."""
    return Person(client)


@pytest.fixture
async def ann(person: Person) -> Person:
    assert (await person.register()).status == 201
    return person


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Iterator[None]:
    """Commands and services configure it for their process, which here is everybody's."""
    root = logging.getLogger()
    before = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = before
    structlog.reset_defaults()


@pytest.fixture
def log() -> StringIO:
    """What the service logs, at the most talkative level."""
    stream = StringIO()
    logs.configure("auth_service", "debug", stream)
    return stream


@pytest.fixture
def sqlite_source(migrated_file: Path, tmp_path: Path) -> str:
    return f"sqlite:///{shutil.copy(migrated_file, tmp_path / 'source.db')}"


@pytest.fixture
def postgres_source(postgres_server: PostgresServer, migrated_database: str) -> Iterator[str]:
    with postgres_database(postgres_server, migrated_database) as url:
        yield url


@pytest.fixture
def sqlite_target(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/target.db"


@pytest.fixture
def postgres_target(postgres_server: PostgresServer) -> Iterator[str]:
    with postgres_database(postgres_server) as url:
        yield url


@pytest.fixture
async def silent_url() -> AsyncIterator[str]:
    """A server that takes the connection and never answers: the worst way of being away."""
    writers: list[asyncio.StreamWriter] = []
    server = await asyncio.start_server(lambda _reader, writer: writers.append(writer), "127.0.0.1", 0)
    yield f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}/0"
    for writer in writers:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
    server.close()
    await server.wait_closed()
