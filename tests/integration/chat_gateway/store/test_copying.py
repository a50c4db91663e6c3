"""A copy holds what its source held, row by row, however often it was ended in between, in every direction."""

import asyncio
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from chat_gateway.store.copy_ends import CopyRefused, held_source, held_target
from chat_gateway.store.copying import TABLES, Compared, Copying, Figures, Progress
from tests.integration.chat_gateway.store.filled import contents, fill
from tests.integration.chat_gateway.store.gateway import Gateway, execute, has_no_gap, rows
from tests.postgres import PostgresServer
from tests.templates import postgres_database

Ends = tuple[str, str]


class Killed(Exception):
    pass


@pytest.fixture
def second_postgres(postgres_server: PostgresServer, migrated_postgres: str) -> Iterator[str]:
    with postgres_database(postgres_server, migrated_postgres) as url:
        yield url


@pytest.fixture
def second_sqlite(migrated_sqlite: Path, tmp_path: Path) -> str:
    return f"sqlite:///{shutil.copy(migrated_sqlite, tmp_path / 'second.db')}"


@pytest.fixture(
    params=[
        ("sqlite_url", "postgres_url"),
        ("postgres_url", "sqlite_url"),
        ("sqlite_url", "second_sqlite"),
        ("postgres_url", "second_postgres"),
    ],
    ids=lambda ends: f"{ends[0]}-to-{ends[1]}",
)
def ends(request: pytest.FixtureRequest) -> Ends:
    # Not async: the databases are migrated in here, which runs a loop of its own.
    source, target = (str(request.getfixturevalue(name)) for name in request.param)
    asyncio.run(execute(source, "UPDATE epoch SET epoch = 'sourcech'"))
    return source, target


@pytest.fixture
async def to_postgres(sqlite_url: str, postgres_url: str) -> Ends:
    await execute(sqlite_url, "UPDATE epoch SET epoch = 'sourcech'")
    return sqlite_url, postgres_url


def _silent(_table: str, _read: int, _total: int) -> None: ...


async def copy(ends: Ends, progress: Progress = _silent) -> list[Compared]:
    async with held_source(ends[0]) as source, held_target(ends[1]) as target:
        copying = Copying(source, target, page_rows=10)
        epoch = await copying.claim()
        await copying.copy_tables(progress)
        compared = await copying.compare()
        await copying.finish(epoch)
    return compared


async def test_every_row_of_every_table_arrives_over_several_pages(ends: Ends) -> None:
    await fill(ends[0], 23, "sourcech")
    told: dict[str, list[tuple[int, int]]] = {}
    compared = await copy(ends, lambda table, read, total: told.setdefault(table, []).append((read, total)))
    before, after = await contents(ends[0]), await contents(ends[1])
    assert {name: len(before[name]) for name in told} == {table.name: 23 for table in TABLES}
    assert after == before
    assert told["entry"] == [(10, 23), (20, 23), (23, 23)]
    assert [one.table for one in compared] == [table.name for table in TABLES]
    assert all(one.source == one.target for one in compared)
    assert {one.table: one.target for one in compared}["log"] == Figures(rows=23, positions=sum(range(23)))


async def test_the_chat_goes_on_in_the_copy_where_it_was(ends: Ends) -> None:
    async with Gateway(ends[0]) as old:
        await old.join("ann")
        for n in range(5):
            await old.post("ann", f"before {n}")
    await copy(ends)
    async with Gateway(ends[1]) as new:
        applied = await new.post("ann", "after")
    assert applied.offset == 7
    assert await rows(ends[1], "SELECT epoch FROM epoch") == [("sourcech",)]
    assert await has_no_gap(ends[1])


@pytest.mark.parametrize("calls", [1, 4, 9, 14])
async def test_a_copy_that_was_ended_goes_on_and_nothing_is_doubled(to_postgres: Ends, calls: int) -> None:
    await fill(to_postgres[0], 17, "sourcech")
    left = calls

    def end(_table: str, _read: int, _total: int) -> None:
        nonlocal left
        left -= 1
        if not left:
            raise Killed

    with pytest.raises(Killed):
        await copy(to_postgres, end)
    assert await rows(to_postgres[1], "SELECT epoch FROM epoch") == [("~sourcec",)]
    await copy(to_postgres)
    assert await contents(to_postgres[1]) == await contents(to_postgres[0])


async def test_a_second_run_takes_what_the_source_did_meanwhile(to_postgres: Ends) -> None:
    source, target = to_postgres
    await fill(source, 23, "sourcech")

    def end(table: str, _read: int, _total: int) -> None:
        if table == "thread_member":
            raise Killed

    with pytest.raises(Killed):
        await copy(to_postgres, end)
    await execute(source, "DELETE FROM reaction WHERE message > 10")
    await execute(source, "UPDATE person SET name = 'renamed', disabled = true WHERE n = 3")
    await execute(source, 'UPDATE entry SET content = \'{"deleted":true}\' WHERE "offset" = 7')
    await execute(source, "INSERT INTO block (user_id, blocked_id) VALUES ('ann', 'bob')")
    compared = await copy(to_postgres)
    assert {one.table: one.target.rows for one in compared}["reaction"] == 11
    assert await contents(target) == await contents(source)


async def test_the_search_index_is_left_to_be_built_anew(to_postgres: Ends) -> None:
    source, target = to_postgres
    async with Gateway(source) as old:
        await old.join("ann")
    for url in to_postgres:
        await execute(url, "INSERT INTO search_cursor (log_id, \"offset\") VALUES ('room:lobby', 99)")
    await execute(target, "UPDATE epoch SET epoch = '~sourcec'")
    await copy(to_postgres)
    assert await rows(target, "SELECT * FROM search_cursor") == []


async def test_a_target_that_holds_another_chat_is_refused_and_stays(ends: Ends) -> None:
    async with Gateway(ends[1]) as another:
        await another.join("eve")
    before = await contents(ends[1])
    with pytest.raises(CopyRefused, match="another chat"):
        await copy(ends)
    assert await contents(ends[1]) == before


async def test_any_row_of_any_table_makes_a_target_another_chat(to_postgres: Ends) -> None:
    target = to_postgres[1]
    for table in TABLES:
        if table.name != "log":
            await fill(target, 1, "another1", only=table.name)
            with pytest.raises(CopyRefused, match="another chat"):
                await copy(to_postgres)
    await fill(target, 0, "another1")
    await execute(target, "INSERT INTO search_cursor (log_id, \"offset\") VALUES ('room:x', 1)")
    with pytest.raises(CopyRefused, match="another chat"):
        await copy(to_postgres)


async def test_a_finished_copy_is_not_overwritten_by_its_source(ends: Ends) -> None:
    await copy(ends)
    async with Gateway(ends[1]) as new:
        await new.join("ann")
    with pytest.raises(CopyRefused, match="holds this chat already"):
        await copy(ends)
    assert (await rows(ends[1], "SELECT head FROM log WHERE id = 'room:lobby'")) == [(1,)]


async def test_an_unfinished_copy_is_no_source(to_postgres: Ends) -> None:
    await execute(to_postgres[0], "UPDATE epoch SET epoch = '~other12'")
    with pytest.raises(CopyRefused, match="not finished"):
        await copy(to_postgres)


def test_no_table_that_is_copied_draws_its_own_numbers() -> None:
    """PostgreSQL would go on counting from 1: such a table needs its sequence set in `finish`."""
    assert [table.name for table in TABLES if table.autoincrement_column is not None] == []
