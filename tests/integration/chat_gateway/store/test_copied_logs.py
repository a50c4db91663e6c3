"""Each log is compared by itself: what the sums over a table hide is found and named."""

import pytest

from chat_gateway.store.copied_logs import LogFigures, UnlikeLog, unlike_logs
from chat_gateway.store.copy_ends import held_source, held_target
from chat_gateway.store.copying import Copying
from tests.integration.chat_gateway.store.gateway import Gateway, execute

LOGS = 7


def _silent(_table: str, _read: int, _total: int) -> None: ...


@pytest.fixture
async def copied(sqlite_url: str, postgres_url: str) -> tuple[str, str]:
    """Several logs of their own lengths in SQLite, and the copy in PostgreSQL, which sorts otherwise."""
    async with Gateway(sqlite_url) as gateway:
        for n in range(LOGS):
            await gateway.join(f"{'Uu'[n % 2]}{n}")
            for _ in range(n):
                await gateway.post(f"{'Uu'[n % 2]}{n}")
    async with held_source(sqlite_url) as source, held_target(postgres_url) as target:
        copying = Copying(source, target)
        await copying.claim()
        await copying.copy_tables(_silent)
    return sqlite_url, postgres_url


async def compared(ends: tuple[str, str]) -> tuple[list[UnlikeLog], bool, list[int]]:
    """Answer what differs log by log, whether the tables do, and what was told on the way."""
    told: list[int] = []
    async with held_source(ends[0]) as source, held_target(ends[1]) as target:
        found = [one async for one in unlike_logs(source, target, page_rows=3, progress=told.append)]
        tables = [one for one in await Copying(source, target).compare() if one.table in ("log", "entry")]
    return found, all(one.source == one.target for one in tables), told


async def test_a_true_copy_has_no_log_that_differs_and_all_are_looked_at(copied: tuple[str, str]) -> None:
    found, _, told = await compared(copied)
    assert (found, told) == ([], [3, 6, 8])


async def test_heads_that_differ_and_sum_to_the_same_are_named(copied: tuple[str, str]) -> None:
    await execute(copied[1], "UPDATE log SET head = head + 1 WHERE id = 'user:U0'")
    await execute(copied[1], "UPDATE log SET head = head - 1 WHERE id = 'room:lobby'")
    found, is_hidden, _ = await compared(copied)
    assert is_hidden
    assert {one.log: (one.source, one.target) for one in found} == {
        "user:U0": (LogFigures(1, 0, 1, 1), LogFigures(2, 0, 1, 1)),
        "room:lobby": (LogFigures(28, 21, 28, 28), LogFigures(27, 21, 28, 28)),
    }


async def test_an_entry_in_a_wrong_log_and_a_wrong_count_are_found(copied: tuple[str, str]) -> None:
    await execute(copied[1], "UPDATE entry SET log_id = 'user:u1' WHERE log_id = 'room:lobby' AND \"offset\" = 5")
    await execute(copied[1], "UPDATE log SET posts = posts - 1 WHERE id = 'user:u3'")
    found, is_hidden, _ = await compared(copied)
    assert is_hidden
    assert sorted(one.log for one in found) == ["room:lobby", "user:u1", "user:u3"]


async def test_logs_that_only_one_of_them_has_are_named(copied: tuple[str, str]) -> None:
    await execute(copied[1], "UPDATE log SET id = 'user:zed' WHERE id = 'user:U2'")
    await execute(copied[1], "UPDATE entry SET log_id = 'user:zed' WHERE log_id = 'user:U2'")
    found, is_hidden, _ = await compared(copied)
    assert is_hidden
    one = LogFigures(1, 0, 1, 1)
    assert found == [UnlikeLog("user:U2", one, None), UnlikeLog("user:zed", None, one)]
