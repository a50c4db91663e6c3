from sqlalchemy import select

from auth_service.store.clock import database_now
from auth_service.store.database import Database


async def test_now_goes_on_inside_a_transaction(database: Database) -> None:
    async with database._engine.begin() as connection:
        first = (await connection.execute(select(database_now()))).scalar_one()
        later = first
        while later == first:
            later = (await connection.execute(select(database_now()))).scalar_one()
    assert later > first
