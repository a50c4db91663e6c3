"""A copy reads from a source that stands still, writes into a target that is its own, and refuses the rest."""

import pytest
from sqlalchemy import text

from chat_gateway.core.errors import store_unavailable
from chat_gateway.store.copy_ends import CopyRefused, held_source, held_target, refuse_same
from chat_gateway.store.database import Database
from chat_gateway.store.migrate import newest
from tests.integration.chat_gateway.store.gateway import LOBBY, Gateway, execute, held_lock
from tests.postgres import PostgresServer
from tests.templates import postgres_database


async def test_while_the_source_is_held_gateways_read_and_are_refused_writing(url: str) -> None:
    async with Gateway(url, patience_seconds=0.3) as gateway:
        await gateway.join("ann")
        async with held_source(url):
            assert [room.id for room in await gateway.rooms.of_member("ann")] == [LOBBY]  # type: ignore[arg-type]
            with pytest.raises(type(store_unavailable())):
                await gateway.post("ann")
        assert (await gateway.post("ann")).offset == 2


async def test_what_was_committed_before_the_lock_is_read(url: str) -> None:
    async with Gateway(url) as gateway:
        await gateway.join("ann")
        async with held_source(url) as source:
            assert (await source.execute(text("SELECT count(*) FROM entry"))).scalar_one() == 2


async def test_a_postgresql_source_that_does_not_come_to_rest_is_a_sentence(postgres_url: str) -> None:
    async with held_lock(postgres_url) as holder:
        await holder.execute("UPDATE log SET head = head WHERE id = 'room:lobby'")
        with pytest.raises(CopyRefused, match="lock timeout"):
            async with held_source(postgres_url, lock_seconds=0.1):
                pass


async def test_a_second_copy_into_one_postgresql_is_refused(postgres_url: str) -> None:
    async with held_target(postgres_url):
        with pytest.raises(CopyRefused, match="Another copy"):
            async with held_target(postgres_url):
                pass


@pytest.mark.parametrize("held", [held_source, held_target])
async def test_another_migration_is_refused_with_both_names(url: str, held: type) -> None:
    await execute(url, "UPDATE alembic_version SET version_num = '0001'")
    with pytest.raises(CopyRefused, match=f"at migration 0001, this release works on {newest()}"):
        async with held(url):
            pass


async def test_an_empty_database_is_refused(database_url: str) -> None:
    with pytest.raises(CopyRefused, match=r"migration none|There is no chat database"):
        async with held_target(database_url):
            pass


async def test_a_server_that_is_away_is_a_sentence() -> None:
    with pytest.raises(CopyRefused, match="The copy stopped"):
        async with held_source("postgresql://nobody@127.0.0.1:1/chat"):
            pass


def test_one_database_under_two_names_is_refused(sqlite_url: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    link = tmp_path_factory.mktemp("link") / "chat.db"
    link.symlink_to(sqlite_url.removeprefix("sqlite:///"))
    with pytest.raises(CopyRefused, match="the same database"):
        refuse_same(sqlite_url, f"sqlite:///{link}")
    with pytest.raises(CopyRefused, match="the same database"):
        refuse_same("postgresql://a@b/chat", "postgresql://a@b/chat")
    refuse_same(sqlite_url, "postgresql://a@b/chat")


async def test_no_gateway_gets_ready_on_an_unfinished_copy(url: str) -> None:
    await execute(url, "UPDATE epoch SET epoch = '~sourcec'")
    database = Database(url)
    with pytest.raises(RuntimeError, match="not finished"):
        await database.check()
    await database.close()


async def test_no_gateway_gets_ready_without_tables(postgres_server: PostgresServer) -> None:
    with postgres_database(postgres_server) as url:
        database = Database(url)
        with pytest.raises(RuntimeError, match="migrate"):
            await database.check()
        await database.close()
