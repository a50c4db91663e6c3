from datetime import UTC, datetime, timedelta

from sqlalchemy import select

from auth_service.store import tables
from auth_service.store.clock import database_now
from auth_service.store.database import Database
from auth_service.store.tables import UtcMillis


async def test_clock_of_the_database_is_aware_and_exact_to_the_millisecond(database: Database) -> None:
    async with database._engine.connect() as connection:
        seen = [(await connection.execute(select(database_now()))).scalar_one() for _ in range(3)]
    assert seen == sorted(seen)
    assert abs(seen[0] - datetime.fromtimestamp(0, UTC) - timedelta(seconds=_now())) < timedelta(seconds=5)


def _now() -> float:
    return datetime.now(UTC).timestamp()  # noqa: TID251 -- the machine's clock, to compare the database's with


async def test_time_survives_the_row(database: Database) -> None:
    at = datetime(2026, 1, 2, 3, 4, 5, 678_000, tzinfo=UTC)
    async with database._engine.begin() as connection:
        await connection.execute(tables.change.insert().values(kind="user", subject="a", n=1, changed_at=at))
        assert await connection.scalar(select(tables.change.c.changed_at)) == at


def test_part_of_a_millisecond_is_dropped() -> None:
    kind = UtcMillis()
    at = datetime(2026, 1, 1, 0, 0, 0, 999, tzinfo=UTC)
    dialect = None
    assert kind.process_bind_param(at, dialect) == kind.process_bind_param(at.replace(microsecond=0), dialect)  # type: ignore[arg-type]
    assert kind.process_bind_param(None, dialect) is None  # type: ignore[arg-type]
    assert kind.process_result_value(None, dialect) is None  # type: ignore[arg-type]
