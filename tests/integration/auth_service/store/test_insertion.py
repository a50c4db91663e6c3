from sqlalchemy import select

from auth_service.store import tables
from auth_service.store.database import Database
from auth_service.store.insertion import insert_or_replace, insert_or_skip

_change = tables.change


async def changed(
    database: Database, *rows: dict[str, object], replace: bool, unique: str | None = None
) -> list[object]:
    async with database.transaction() as tx:
        for row in rows:
            make = (
                insert_or_replace(tx.connection, _change) if replace else insert_or_skip(tx.connection, _change, unique)
            )
            await tx.connection.execute(make.values(kind="user", subject="ann", changed_at=await tx.now(), **row))
        return list(await tx.connection.scalars(select(_change.c.user_id).order_by(_change.c.n)))


async def test_row_in_the_way_stays_where_it_is_to_be_skipped(database: Database) -> None:
    rows = ({"n": 7, "user_id": "first"}, {"n": 7, "user_id": "second"})
    assert await changed(database, *rows, replace=False) == ["first"]


async def test_row_in_the_way_is_skipped_by_the_column_that_is_named(database: Database) -> None:
    rows = ({"n": 7, "user_id": "first"}, {"n": 7, "user_id": "second"})
    assert await changed(database, *rows, replace=False, unique="n") == ["first"]


async def test_row_of_the_same_key_takes_the_place_where_it_is_to_replace(database: Database) -> None:
    rows: list[dict[str, object]] = [{"n": 7, "user_id": "first"}, {"n": 8, "user_id": None}]
    assert await changed(database, *rows, replace=True) == [None]
