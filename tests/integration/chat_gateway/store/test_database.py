from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, ProgrammingError

from chat_gateway.store.database import Database, sqlite_path
from shared.errors import Unavailable
from tests.integration.chat_gateway.store.gateway import Gateway, held_lock
from tests.postgres import PostgresServer


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
    assert len(await gateway.rooms.public("ann")) == 1  # type: ignore[arg-type]


async def test_a_mistake_of_ours_is_not_called_an_outage(postgres_url: str) -> None:
    database = Database(postgres_url)
    with pytest.raises(ProgrammingError):
        async with database.statement() as connection:
            await connection.execute(text("SELECT nonsense"))
    await database.close()


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
