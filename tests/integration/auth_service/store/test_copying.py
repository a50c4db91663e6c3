"""A copy holds what its source held, row by row, however often it was ended in between, in every direction."""

import asyncio

import pytest

from auth_service.store.copy_ends import CopyRefused, held_source, held_target, name_of
from auth_service.store.copying import Compared, Copying, Progress
from auth_service.store.database import Database
from auth_service.store.migrate import upgrade
from tests.integration.auth_service.rows import a_user
from tests.integration.auth_service.sql import execute, rows
from tests.integration.auth_service.store.filled import TABLES, contents, fill

Ends = tuple[str, str]

MARK = "SELECT source FROM unfinished_copy"


class Killed(Exception):
    pass


@pytest.fixture(
    params=[
        ("sqlite_source", "postgres_target"),
        ("postgres_source", "sqlite_target"),
        ("sqlite_source", "sqlite_target"),
        ("postgres_source", "postgres_target"),
    ],
    ids=lambda ends: f"{ends[0]}-to-{ends[1]}",
)
def ends(request: pytest.FixtureRequest) -> Ends:
    source, target = (str(request.getfixturevalue(name)) for name in request.param)
    return source, target


@pytest.fixture
def to_postgres(sqlite_source: str, postgres_target: str) -> Ends:
    return sqlite_source, postgres_target


def _silent(_table: str, _read: int, _total: int) -> None: ...


async def copy(ends: Ends, progress: Progress = _silent) -> list[Compared]:
    async with held_source(ends[0]) as source, held_target(ends[1]) as target:
        copying = Copying(source, target, page_rows=10)
        await copying.claim(name_of(ends[0]))
        await copying.copy_tables(progress)
        compared = await copying.compare()
        await copying.finish()
    return compared


async def ended_copy(ends: Ends, calls: int) -> None:
    """A copy that dies at the so-manieth page."""
    left = calls

    def end(_table: str, _read: int, _total: int) -> None:
        nonlocal left
        left -= 1
        if not left:
            raise Killed

    with pytest.raises(Killed):
        await copy(ends, end)


async def test_every_row_of_every_table_arrives_over_several_pages(ends: Ends) -> None:
    await fill(ends[0], 23)
    told: dict[str, list[tuple[int, int]]] = {}
    compared = await copy(ends, lambda table, read, total: told.setdefault(table, []).append((read, total)))
    before, after = await contents(ends[0]), await contents(ends[1])
    assert {name: len(before[name]) for name in told} == {table.name: 23 for table in TABLES} | {"change_counter": 1}
    assert after == before
    assert told["session"] == [(10, 23), (20, 23), (23, 23)]
    assert [one.table for one in compared] == list(after)
    assert all(one.source == one.target for one in compared)
    assert len({one.target.digest for one in compared}) == len(compared)


async def test_the_numbers_of_the_audit_log_and_of_the_feed_go_on(ends: Ends) -> None:
    await fill(ends[0], 5)
    # Above any clock, so that the next number can come from nowhere else.
    await execute(ends[0], f"UPDATE change_counter SET value = {2**50}")
    await copy(ends)
    database = Database(ends[1], on_change=lambda: None)
    async with database.transaction() as tx:
        await tx.users.add(user := a_user())
        tx.note_user(user.id)
    page = await database.changes_after(6)
    await database.close()
    assert [(entry["n"], entry["id"]) for entry in page.changes] == [(2**50 + 1, user.id)]
    await execute(
        ends[1], "INSERT INTO audit (at, event, actor, network, details) VALUES (1, 'user.edited', '', '', '{}')"
    )
    assert await rows(ends[1], "SELECT n FROM audit ORDER BY n DESC LIMIT 2") == [(6,), (5,)]


async def test_an_empty_source_makes_an_empty_target_that_counts_from_one(to_postgres: Ends) -> None:
    await copy(to_postgres)
    await execute(
        to_postgres[1],
        "INSERT INTO audit (at, event, actor, network, details) VALUES (1, 'user.edited', '', '', '{}')",
    )
    assert await rows(to_postgres[1], "SELECT n FROM audit") == [(1,)]


@pytest.mark.parametrize("calls", [1, 2, 5, 9, 17])
async def test_a_copy_that_was_ended_goes_on_and_nothing_is_doubled(to_postgres: Ends, calls: int) -> None:
    await fill(to_postgres[0], 17)
    await ended_copy(to_postgres, calls)
    assert await rows(to_postgres[1], MARK) == [(name_of(to_postgres[0]),)]
    await copy(to_postgres)
    assert await contents(to_postgres[1]) == await contents(to_postgres[0])


async def test_a_second_run_takes_what_the_source_did_meanwhile(ends: Ends) -> None:
    source, target = ends
    await fill(source, 23)
    await _ended_before_the_end(ends)
    ((freed,),) = await rows(source, """SELECT email FROM "user" WHERE email LIKE 'plain00000%'""")
    await execute(
        source,
        """DELETE FROM "user" WHERE email LIKE 'plain00000%'""",
        f"""UPDATE "user" SET email = '{freed}', name = 'renamed' WHERE email LIKE 'plain00006%'""",
        "DELETE FROM change WHERE n > 20",
        "INSERT INTO audit (at, event, actor, network, details) VALUES (1, 'user.deleted', '', '', '{}')"
        if source.startswith("sqlite")
        else "INSERT INTO audit (n, at, event, actor, network, details) VALUES (99, 1, 'user.deleted', '', '', '{}')",
    )
    await fill(source, 3, start=200)
    compared = {one.table: one for one in await copy(ends)}
    assert all(one.source == one.target for one in compared.values())
    assert compared["user"].target.rows == 25
    assert await contents(target) == await contents(source)


async def test_a_second_run_drops_what_the_source_pruned_from_its_audit_log_meanwhile(ends: Ends) -> None:
    await fill(ends[0], 23)
    await _ended_before_the_end(ends)
    await execute(ends[0], "DELETE FROM audit WHERE n < 8")
    compared = {one.table: one for one in await copy(ends)}
    assert compared["audit"].target == compared["audit"].source
    assert compared["audit"].target.rows == 16


async def _ended_before_the_end(ends: Ends) -> None:
    def end(table: str, _read: int, _total: int) -> None:
        if table == "change_counter":
            raise Killed

    with pytest.raises(Killed):
        await copy(ends, end)


@pytest.mark.parametrize("table", [table.name for table in TABLES])
async def test_any_row_of_any_table_makes_a_target_one_that_is_used(
    sqlite_source: str, tmp_path: object, table: str
) -> None:
    target = f"sqlite:///{tmp_path}/used.db"
    await asyncio.to_thread(upgrade, target)
    await fill(target, 1, only=table)
    before = await contents(target)
    with pytest.raises(CopyRefused, match="Take an empty database"):
        await copy((sqlite_source, target))
    assert await contents(target) == before


async def test_a_target_that_has_counted_changes_is_used(sqlite_source: str, postgres_source: str) -> None:
    await execute(postgres_source, "UPDATE change_counter SET value = 1")
    with pytest.raises(CopyRefused, match="Take an empty database"):
        await copy((sqlite_source, postgres_source))


async def test_a_finished_copy_is_not_overwritten_by_its_source(ends: Ends) -> None:
    await fill(ends[0], 1)
    await copy(ends)
    with pytest.raises(CopyRefused, match="Take an empty database"):
        await copy(ends)


async def test_the_unfinished_copy_of_another_database_is_refused(to_postgres: Ends, postgres_source: str) -> None:
    await fill(to_postgres[0], 3)
    await ended_copy(to_postgres, 2)
    before = await contents(to_postgres[1])
    with pytest.raises(CopyRefused, match="unfinished copy of another database"):
        await copy((postgres_source, to_postgres[1]))
    assert await contents(to_postgres[1]) == before


async def test_an_unfinished_copy_is_no_source(to_postgres: Ends, sqlite_target: str) -> None:
    await fill(to_postgres[0], 3)
    await ended_copy(to_postgres, 2)
    with pytest.raises(CopyRefused, match="itself a copy that was not finished"):
        await copy((to_postgres[1], sqlite_target))


async def test_a_change_of_one_value_shows_in_the_digest(to_postgres: Ends) -> None:
    await fill(to_postgres[0], 3)
    async with held_source(to_postgres[0]) as source, held_target(to_postgres[1]) as target:
        copying = Copying(source, target)
        await copying.claim("x")
        await copying.copy_tables(_silent)
        await target.exec_driver_sql("UPDATE session SET network = 'x' WHERE network LIKE 'plain%'")
        unlike = [one.table for one in await copying.compare() if one.source != one.target]
    assert unlike == ["session"]
