"""A migrated chat database of each kind for each test."""

import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from chat_gateway.store.migrate import upgrade
from tests.postgres import PostgresServer


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("chat") / "template.db"
    upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def migrated_postgres(postgres_server: PostgresServer) -> str:
    name = f"chat_{uuid.uuid4().hex}"
    upgrade(postgres_server.create_database(name))
    return name


@pytest.fixture
def sqlite_url(migrated_sqlite: Path, tmp_path: Path) -> str:
    path = tmp_path / "chat.db"
    shutil.copy(migrated_sqlite, path)
    return f"sqlite:///{path}"


@pytest.fixture
def postgres_url(postgres_server: PostgresServer, migrated_postgres: str) -> Iterator[str]:
    name = f"chat_{uuid.uuid4().hex}"
    yield postgres_server.create_database(name, template=migrated_postgres)
    postgres_server.drop_database(name)


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest) -> str:
    """The address of a migrated chat database, once of each kind."""
    return str(request.getfixturevalue(f"{request.param}_url"))
