import asyncio
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, ProgrammingError

from chat_gateway.store.database import Database, migration_engine, sqlite_path
from shared.errors import Unavailable
from tests.integration.chat_gateway.store.gateway import Gateway, execute, held_lock, rows
from tests.postgres import PostgresServer

_ENDLESS = text("WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n")


def test_an_address_names_a_file_or_a_server() -> None:
    assert sqlite_path("sqlite:///var/chat.db") == Path("var/chat.db")
    assert sqlite_path("postgresql://somebody@host/chat") is None


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "mysql://host/chat"])
def test_an_address_that_cannot_work_says_what_can(url: str) -> None:
    with pytest.raises(ValueError, match="chat database is"):
        sqlite_path(url)


async def test_readers_cannot_write(gateway: Gateway) -> None:
    with pytest.raises((Unavailable, ProgrammingError, DBAPIError)):
        async with gateway.database.snapshot() as connection:
            await connection.execute(text("DELETE FROM room"))
    assert await rows(gateway.url, "SELECT id FROM room") == [("lobby",)]


async def test_a_mistake_of_ours_is_not_called_an_outage(postgres_url: str) -> None:
    database = Database(postgres_url)
    with pytest.raises(ProgrammingError):
        async with database.statement() as connection:
            await connection.execute(text("SELECT nonsense"))
    await database.close()


async def test_what_a_statement_was_given_is_in_no_error(url: str) -> None:
    reading, writing = Database(url), migration_engine(url)
    with pytest.raises((DBAPIError, Unavailable)) as mistake:
        async with reading.statement() as connection:
            await connection.execute(text("SELECT nonsense FROM room WHERE name = :text"), {"text": "a secret"})
    with pytest.raises(DBAPIError) as refused:
        async with writing.begin() as connection:
            await connection.execute(text("INSERT INTO log (id, head) VALUES (:text, NULL)"), {"text": "a secret"})
    await reading.close()
    await writing.dispose()
    for error in (mistake.value, refused.value):
        said = f"{error} {error.__cause__}"
        assert "parameters hidden" in said
        assert "a secret" not in said.partition("DETAIL")[0]


async def test_a_database_that_is_away_is_unavailable(tmp_path: Path) -> None:
    for url in (f"sqlite:///{tmp_path}/missing.db", "postgresql://nobody@127.0.0.1:9/none"):
        database = Database(url)
        with pytest.raises(Unavailable, match="store_unavailable"):
            async with database.statement() as connection:
                await connection.execute(text("SELECT 1"))
        await database.close()


async def test_a_write_that_gets_no_lock_is_unavailable(sqlite_url: str) -> None:
    database = Database(sqlite_url, patience_seconds=0.05)
    async with held_lock(sqlite_url):
        with pytest.raises(Unavailable):
            await database.write(("DELETE FROM person WHERE id = :id", [{"id": "x"}]))
    await database.close()


async def test_a_database_of_another_encoding_is_refused_with_a_sentence(postgres_server: PostgresServer) -> None:
    postgres_server.execute("CREATE DATABASE latin TEMPLATE template0 ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'")
    database = Database(postgres_server.url("latin"))
    with pytest.raises(RuntimeError, match="UTF8"):
        await database.check()
    await database.close()
    postgres_server.drop_database("latin")


async def test_a_sqlite_read_that_takes_too_long_is_ended_and_its_connection_goes_on(sqlite_url: str) -> None:
    database = Database(sqlite_url, pool_size=1, read_seconds=0.1)
    for read in (database.snapshot, database.statement, database.snapshot):
        with pytest.raises(Unavailable, match="store_unavailable"):
            async with read() as connection:
                await connection.execute(_ENDLESS)
        async with read() as connection:
            assert (await connection.execute(text("SELECT name FROM room"))).scalar_one() == "Lobby"
    await database.close()


async def test_a_sqlite_reader_that_dawdles_gives_its_snapshot_back(sqlite_url: str) -> None:
    database = Database(sqlite_url, pool_size=1, read_seconds=0.1)

    async def dawdle() -> None:
        async with database.snapshot() as connection:
            await connection.execute(text("SELECT name FROM room"))
            await asyncio.Event().wait()

    with pytest.raises(Unavailable):
        await dawdle()
    await execute(sqlite_url, "UPDATE room SET topic = 'new'")
    assert await rows(sqlite_url, "PRAGMA wal_checkpoint(TRUNCATE)") == [(0, 0, 0)]
    await database.close()


async def test_a_cancelled_sqlite_reader_does_not_read_on(sqlite_url: str) -> None:
    database = Database(sqlite_url, pool_size=1, read_seconds=0.1)
    loop, begun = asyncio.get_running_loop(), asyncio.Event()

    async def read() -> None:
        async with database.statement() as connection:
            driver: Any = (await connection.get_raw_connection()).driver_connection
            await driver.create_function("begin", 0, lambda: loop.call_soon_threadsafe(begun.set) is not None)
            await connection.execute(text(_ENDLESS.text.replace("SELECT 1", "SELECT begin()")))

    reading = asyncio.ensure_future(read())
    await begun.wait()
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    async with database.statement() as connection:
        assert (await connection.execute(text("SELECT name FROM room"))).scalar_one() == "Lobby"
    await database.close()
