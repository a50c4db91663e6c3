"""Migrations run alone, one after the other; one that is killed leaves neither half a schema nor a lock behind."""

import asyncio
import contextlib
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import pytest

from auth_service.store.engine import sqlite_path
from auth_service.store.migrate import newest, upgrade
from shared.locks import exclusive
from tests.faults import eventually
from tests.integration.auth_service.sql import execute, rows
from tests.postgres import PostgresServer
from tests.processes import inherited
from tests.templates import postgres_database

ROOT = Path(__file__).resolve().parents[3]
_HERE = "database = (SELECT oid FROM pg_database WHERE datname = '{}')"
WAIT_FOR_A_TABLE = f"SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'relation' AND {_HERE}"
WAIT_FOR_THEIR_TURN = f"SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'advisory' AND {_HERE}"
PORT_OF_THE_HOLDER = (
    "SELECT client_port FROM pg_stat_activity JOIN pg_locks USING (pid)"
    " WHERE granted AND locktype = 'advisory' AND datname = '{}'"
)
END_THE_BLOCKER = (
    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
    " WHERE datname = '{}' AND query LIKE '%pg_sleep%' AND pid <> pg_backend_pid()"
)

# A migrator that is killed in the middle: at its last table, with the others made and the version still to be written.
DOOMED = """
import os, signal, sys
from sqlalchemy import Engine, event
from auth_service.store.migrate import upgrade

@event.listens_for(Engine, "before_cursor_execute")
def die(connection, cursor, statement, *_):
    if "CREATE TABLE audit" in statement:
        os.kill(os.getpid(), signal.SIGKILL)

upgrade(sys.argv[1])
"""


def spawn(*arguments: str, url: str) -> subprocess.Popen[bytes]:
    environment = {**inherited(), "AUTH_DATABASE_URL": url}
    return subprocess.Popen([sys.executable, *arguments], cwd=ROOT, env=environment, stderr=subprocess.PIPE)


def migrator(url: str) -> subprocess.Popen[bytes]:
    return spawn("-m", "auth_service", "migrate", url=url)


@contextlib.contextmanager
def ended(*processes: subprocess.Popen[bytes]) -> Iterator[None]:
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.communicate()


async def test_migration_that_is_killed_in_the_middle_leaves_nothing_and_the_next_one_goes_on(
    database_url: str,
) -> None:
    await asyncio.to_thread(upgrade, database_url, "0001")
    doomed = spawn("-c", DOOMED, database_url, url=database_url)
    with ended(doomed):
        assert await asyncio.to_thread(doomed.wait, 60) == -signal.SIGKILL
    assert await rows(database_url, "SELECT version_num FROM alembic_version") == [("0001",)]
    await rows(database_url, "SELECT id, user_id, started_at, last_used_at, ended_at FROM session")
    following = migrator(database_url)
    with ended(following):
        assert await asyncio.to_thread(following.wait, 60) == 0
    assert await rows(database_url, "SELECT version_num FROM alembic_version") == [(newest(),)]


async def test_of_many_migrations_at_once_each_ends_well(database_url: str) -> None:
    migrators = [migrator(database_url) for _ in range(3)]
    with ended(*migrators):
        assert [await asyncio.to_thread(one.wait, 90) for one in migrators] == [0, 0, 0]
    assert await rows(database_url, "SELECT version_num FROM alembic_version") == [(newest(),)]


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    with postgres_database(postgres_server) as url:
        yield url


async def test_lock_of_a_migration_that_was_killed_while_it_waited_is_free_again(
    postgres_url: str, postgres_server: PostgresServer
) -> None:
    """The server works for the dead one: it looks whether that lives, and does not wait for the table to be free."""
    name = postgres_url.rpartition("/")[2]

    def ask(query: str) -> int:
        return int(postgres_server.execute(query.format(name)))

    await asyncio.to_thread(upgrade, postgres_url, "0001")
    in_the_way = "BEGIN; LOCK TABLE signing_key; SELECT pg_sleep(600)"
    blocker = asyncio.create_task(asyncio.to_thread(postgres_server.execute, in_the_way, name))
    first, second = migrator(postgres_url), migrator(postgres_url)
    with ended(first, second):
        await eventually(lambda: ask(WAIT_FOR_A_TABLE) and ask(WAIT_FOR_THEIR_TURN), seconds=60)
        holder = ask(PORT_OF_THE_HOLDER)
        killed, other = (first, second) if _owns(first, holder) else (second, first)
        killed.kill()
        await eventually(lambda: not ask(WAIT_FOR_THEIR_TURN), seconds=30)
        assert ask(END_THE_BLOCKER) == 1
        assert await asyncio.to_thread(other.wait, 60) == 0
    with contextlib.suppress(RuntimeError):
        await blocker
    assert await rows(postgres_url, "SELECT version_num FROM alembic_version") == [(newest(),)]


def _owns(process: subprocess.Popen[bytes], port: int) -> bool:
    return any(one.laddr.port == port for one in psutil.Process(process.pid).net_connections())


async def test_on_sqlite_a_migration_waits_for_the_file_lock_however_long(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/auth.db"
    path = sqlite_path(url)
    assert path is not None
    with exclusive(path):
        waiting = migrator(url)
        with ended(waiting):
            side = str(path) + ".lock"
            await eventually(lambda: any(f.path == side for f in psutil.Process(waiting.pid).open_files()), seconds=60)
            assert waiting.poll() is None
            assert not path.exists()


async def test_newer_schema_is_a_sentence(database_url: str) -> None:
    await asyncio.to_thread(upgrade, database_url)
    await execute(database_url, "UPDATE alembic_version SET version_num = '9999'")
    refused = migrator(database_url)
    _, written = await asyncio.to_thread(refused.communicate)
    assert refused.returncode == 1
    assert b"is not one that this release can migrate" in written
    assert b"Traceback" not in written


async def test_database_that_the_server_does_not_have_is_a_sentence(postgres_server: PostgresServer) -> None:
    refused = migrator(postgres_server.url("nothing_of_that_name"))
    _, written = await asyncio.to_thread(refused.communicate)
    assert refused.returncode == 1
    assert b"Check AUTH_DATABASE_URL." in written
    assert b"Traceback" not in written
