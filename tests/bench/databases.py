"""Databases of the gateways under test: migrated, durable as in production, written to by plain SQL of both kinds."""

import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Literal, Protocol
from unittest.mock import patch

from typing_extensions import override

from tests import postgres
from tests.bench.processes import inherited_environment

DatabaseKind = Literal["SQLite", "PostgreSQL"]

ROOT = Path(__file__).resolve().parents[2]
CONFIG = ROOT / "deploy" / "config" / "dev.yml"
_DURABLE = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on", "shared_buffers": "256MB"}


class Database(Protocol):
    @property
    def url(self) -> str: ...

    def execute(self, script: str) -> None:
        """Run statements, all of them or none."""

    def value(self, query: str) -> str: ...


class SQLite:
    def __init__(self, file: Path) -> None:
        self.file = file

    @property
    def url(self) -> str:
        return f"sqlite:///{self.file}"

    def execute(self, script: str) -> None:
        with closing(sqlite3.connect(self.file)) as connection:
            connection.executescript(f"BEGIN;{script};COMMIT")

    def value(self, query: str) -> str:
        with closing(sqlite3.connect(self.file)) as connection:
            return str(connection.execute(query).fetchone()[0])


class _DurablePostgres(postgres.PostgresServer):
    """The server of the tests, with the durability of production."""

    @override
    def start(self) -> None:
        with patch.dict(postgres._OPTIONS, _DURABLE):
            super().start()


class PostgreSQL:
    def __init__(self, server: postgres.PostgresServer) -> None:
        self._server = server
        self.url = server.create_database("chat")

    def execute(self, script: str) -> None:
        self._server.execute(f"BEGIN;{script};COMMIT", "chat")

    def value(self, query: str) -> str:
        return self._server.execute(query, "chat")


@contextmanager
def database(kind: DatabaseKind, folder: Path, seeded: Path | None = None) -> Iterator[Database]:
    """Give a migrated, empty database, gone after the block; on SQLite it may be a copy of a seeded one."""
    if kind == "PostgreSQL":
        with _DurablePostgres() as server:
            on_server = PostgreSQL(server)
            migrate(on_server)
            yield on_server
        return
    template, made = seeded or folder.parent / "migrated.db", SQLite(folder / "chat.db")
    if not template.exists():
        migrate(SQLite(template))
    shutil.copyfile(template, made.file)
    yield made
    made.file.unlink()


def migrate(empty: Database) -> None:
    command = [sys.executable, "-m", "chat_gateway", "migrate", "--config", str(CONFIG)]
    env = {**inherited_environment(), "CHAT_DATABASE_URL": empty.url, "LOG_LEVEL": "warning"}
    subprocess.run(command, cwd=ROOT, env=env, check=True, stderr=subprocess.DEVNULL)
