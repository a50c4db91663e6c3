"""Rows for every table there is, whatever it is: a new table is in them without a word here."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Boolean, Column, Table, Text, delete, insert, select
from sqlalchemy.ext.asyncio import AsyncEngine

from chat_gateway.store.copying import TABLES
from chat_gateway.store.database import migration_engine
from chat_gateway.store.tables import epoch, metadata

# What checks of the tables allow; anything else takes any value.
_ALLOWED = {("room", "kind"): "private", ("member", "role"): "owner", ("member", "status"): "joined"}
_TEXTS = ("plain", 'it\'s "quoted"', "雪だるま ☃", "line\nand \ttab", "", "e\u0301 👩\u200d💻", "\ue000 private use")


def _value(table: Table, column: Column[Any], n: int) -> object:
    if (allowed := _ALLOWED.get((table.name, column.name))) is not None:
        return allowed
    if column.nullable and n % 3 == 0:
        return None
    if isinstance(column.type, Boolean):
        return n % 2 == 0
    if isinstance(column.type, Text):
        return f"{_TEXTS[n % len(_TEXTS)]}{n:05}" if _must_differ(table, column) else _TEXTS[n % len(_TEXTS)]
    return n


def _must_differ(table: Table, column: Column[Any]) -> bool:
    return (
        column.primary_key
        or any(index.unique and column in list(index.columns) for index in table.indexes)
        or any(column in list(getattr(constraint, "columns", ())) for constraint in table.constraints)
    )


def _rows(table: Table, count: int) -> Iterator[dict[str, object]]:
    for n in range(count):
        yield {column.name: _value(table, column, n) for column in table.columns}


async def fill(url: str, count: int, name: str, *, only: str = "") -> None:
    """Give the database this many rows a table, or in one table only, and this epoch."""
    engine = migration_engine(url)
    async with engine.begin() as connection:
        for table in TABLES:
            await connection.execute(delete(table))
            if count and only in ("", table.name):
                await connection.execute(insert(table), list(_rows(table, count)))
        await connection.execute(delete(epoch))
        await connection.execute(insert(epoch), [{"epoch": name}])
    await engine.dispose()


async def contents(url: str) -> dict[str, set[tuple[Any, ...]]]:
    engine = migration_engine(url)
    try:
        return {table.name: await _contents(engine, table) for table in metadata.sorted_tables}
    finally:
        await engine.dispose()


async def _contents(engine: AsyncEngine, table: Table) -> set[tuple[Any, ...]]:
    async with engine.connect() as connection:
        return {tuple(row) for row in await connection.execute(select(table))}
