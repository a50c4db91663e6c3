import asyncpg
import pytest

from chat_gateway.store.database import Database
from chat_gateway.store.election import PostgresElection, election
from shared.errors import Unavailable

KEY = 4711


async def test_one_of_two_is_elected_and_the_other_after_it(url: str) -> None:
    first, second = (election(Database(url), "test", KEY) for _ in range(2))
    async with first.office() as elected:
        assert elected
        assert await first.holds()
        async with second.office() as also:
            assert not also
    async with second.office() as elected:
        assert elected


async def test_offices_are_independent(url: str) -> None:
    one, other = election(Database(url), "one", KEY), election(Database(url), "other", KEY + 1)
    async with one.office() as first, other.office() as second:
        assert first
        assert second


async def test_the_office_passes_on_when_its_holders_session_is_ended(postgres_url: str) -> None:
    first, second = PostgresElection(postgres_url, KEY), PostgresElection(postgres_url, KEY)
    async with first.office() as elected:
        assert elected
        administrator = await asyncpg.connect(postgres_url)
        await administrator.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND objid = $1", KEY
        )
        await administrator.close()
        with pytest.raises(Unavailable):
            await first.holds()
        async with second.office() as also:
            assert also
    assert not await first.holds()


async def test_a_database_that_is_away_is_unavailable(tmp_path: object) -> None:
    with pytest.raises(Unavailable):
        async with PostgresElection("postgresql://nobody@127.0.0.1:1/none", KEY).office():
            pass
    with pytest.raises(Unavailable):
        async with election(Database(f"sqlite:///{tmp_path}/missing/chat.db"), "test", KEY).office():
            pass
