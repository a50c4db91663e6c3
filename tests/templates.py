"""Migrated databases to start a test from: migrating once for each test would be most of the time."""

import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.postgres import PostgresServer

Migrate = Callable[[str], None]


def sqlite_template(migrate: Migrate, folder: Path) -> Path:
    path = folder / "template.db"
    migrate(f"sqlite:///{path}")
    return path


def sqlite_copy(template: Path, folder: Path) -> str:
    return f"sqlite:///{shutil.copy(template, folder / 'migrated.db')}"


def postgres_template(migrate: Migrate, server: PostgresServer) -> str:
    name = f"template_{uuid.uuid4().hex}"
    migrate(server.create_database(name))
    return name


@contextmanager
def postgres_database(server: PostgresServer, template: str | None = None) -> Iterator[str]:
    """Give the address of a database for one user: an empty one that is gone afterwards, or a copy of the template."""
    if template is not None:
        with server.copies.lent(template) as url:
            yield url
        return
    name = f"test_{uuid.uuid4().hex}"
    yield server.create_database(name)
    server.drop_database(name)
