import json
from datetime import timedelta
from io import StringIO

import pytest
from sqlalchemy.exc import DBAPIError

from auth_service.core.audit import Event, Record, Wanted
from auth_service.core.users import UserId
from auth_service.store.audit import RECORDED
from auth_service.store.database import Database
from tests.integration.auth_service.sql import execute, rows

ANN, BOB = UserId("ann"), UserId("bob")
RECORDS = [
    Record(Event.USER_CREATED, ANN, "command line", details={"role": "member"}),
    Record(Event.LOGIN_SUCCEEDED, ANN, ANN, "203.0.113.0/24"),
    Record(Event.LINK_MADE, None, ANN),
    Record(Event.LOGIN_SUCCEEDED, BOB, BOB),
]


@pytest.fixture
async def written(database: Database) -> Database:
    for record in RECORDS:
        async with database.transaction() as tx:
            await tx.audit.add(record)
    return database


async def page(database: Database, wanted: Wanted = Wanted(), **options: int) -> list[Record]:  # noqa: B008 -- immutable
    async with database.reading() as tx:
        return [entry.record for entry in await tx.audit.page(wanted, **options)]


async def test_records_are_read_as_they_were_written_in_pages(written: Database) -> None:
    assert await page(written) == RECORDS
    async with written.reading() as tx:
        first = await tx.audit.page(limit=3)
        assert [entry.record for entry in await tx.audit.page(after=first[-1].n)] == RECORDS[3:]
        assert await tx.audit.page(after=first[-1].n + 1) == []
        assert first[0].at <= first[-1].at <= await tx.now()


async def test_records_about_or_by_somebody_are_found(written: Database) -> None:
    assert await page(written, Wanted(user=ANN)) == RECORDS[:3]
    assert await page(written, Wanted(event=Event.LOGIN_SUCCEEDED)) == [RECORDS[1], RECORDS[3]]
    assert await page(written, Wanted(user=BOB, event=Event.LOGIN_SUCCEEDED)) == [RECORDS[3]]
    assert await page(written, Wanted(user=BOB, event=Event.USER_CREATED)) == []


async def test_records_from_a_moment_on_are_found(written: Database) -> None:
    async with written.reading() as tx:
        last = (await tx.audit.page())[-1]
    assert (await page(written, Wanted(since=last.at)))[-1] == RECORDS[-1]
    assert await page(written, Wanted(since=last.at + timedelta(milliseconds=1))) == []


async def test_record_is_logged_once_it_is_committed_and_never_before(database: Database, log: StringIO) -> None:
    async def fail() -> None:
        async with database.transaction() as tx:
            await tx.audit.add(RECORDS[0])
            raise RuntimeError

    counted = RECORDED.labels("user.created")
    before = counted._value.get()
    with pytest.raises(RuntimeError):
        await fail()
    assert log.getvalue() == ""
    async with database.transaction() as tx:
        await tx.audit.add(RECORDS[0])
        assert log.getvalue() == ""
    assert counted._value.get() == before + 1
    line = json.loads(log.getvalue())
    assert {name: line[name] for name in ("event", "user", "actor", "network", "details")} == {
        "event": "user.created",
        "user": "ann",
        "actor": "command line",
        "network": "",
        "details": {"role": "member"},
    }
    assert await page(database) == RECORDS[:1]


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE audit SET actor = 'nobody'",
        "DELETE FROM audit",
        "DELETE FROM audit WHERE event = 'login.succeeded'",
        "INSERT INTO audit SELECT * FROM audit WHERE true ON CONFLICT (n) DO UPDATE SET actor = 'nobody'",
    ],
)
async def test_nothing_in_the_log_is_changed_or_deleted(written: Database, migrated_url: str, change: str) -> None:
    with pytest.raises(DBAPIError, match="the audit log is append-only"):
        await execute(migrated_url, change)
    assert await page(written) == RECORDS


async def test_log_is_not_emptied_or_replaced(written: Database, migrated_url: str) -> None:
    replaced = "REPLACE INTO audit SELECT n, at, event, user_id, 'nobody', network, details FROM audit"
    with pytest.raises(DBAPIError, match="the audit log is append-only"):
        await execute(migrated_url, "TRUNCATE audit" if migrated_url.startswith("postgresql") else replaced)
    assert await page(written) == RECORDS


async def test_number_is_never_given_twice(written: Database, migrated_url: str) -> None:
    numbers = [n for (n,) in await rows(migrated_url, "SELECT n FROM audit ORDER BY n")]
    async with written.transaction() as tx:
        await tx.audit.add(RECORDS[0])
    assert await rows(migrated_url, f"SELECT count(*) FROM audit WHERE n > {numbers[-1]}") == [(1,)]
