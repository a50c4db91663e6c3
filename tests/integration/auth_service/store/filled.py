"""Rows for every table there is, whatever it is: a new table is in them without a word here."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import JSON, Boolean, Column, Integer, LargeBinary, Table, insert, select, update
from sqlalchemy.types import TypeEngine

from auth_service.store.engine import make_engine
from auth_service.store.tables import UtcMillis, change_counter, metadata

TABLES = tuple(table for table in metadata.sorted_tables if table is not change_counter)
_TEXTS = ("plain", 'it\'s "quoted"', "雪だるま ☃", "line\nand \ttab", "e\u0301 👩\u200d💻", "\ue000 private use")
_START = datetime(2025, 1, 1, tzinfo=UTC)


_VALUES: tuple[tuple[type[TypeEngine[Any]] | type[UtcMillis], Callable[[int], object]], ...] = (
    (Boolean, lambda n: n % 2 == 0),
    (UtcMillis, lambda n: _START + timedelta(milliseconds=n)),
    (LargeBinary, lambda n: bytes([n % 256, n // 256, 0, 255]) * 8),
    (JSON, lambda n: {"é": [n, 1.5, None, True], "nul": "\x00", "big": 10**30, "a": {}}),
    (Integer, lambda n: n + 1),
)


def _value(column: Column[Any], n: int) -> object:
    if column.nullable and not column.foreign_keys and n % 3 == 0:
        return None
    for kind, make in _VALUES:
        if isinstance(column.type, kind):
            return make(n)
    return f"{_TEXTS[n % len(_TEXTS)]}{n:05}"


def _rows(table: Table, count: int, start: int) -> Iterator[dict[str, object]]:
    for n in range(start, start + count):
        yield {column.name: _value(column, n) for column in table.columns}


async def fill(url: str, count: int, *, start: int = 0, only: str = "") -> None:
    """Give the database so many more rows a table, or in one table only; and the change counter what that makes."""
    engine = make_engine(url, foreign_keys=not only)
    async with engine.begin() as connection:
        for table in TABLES:
            if only in ("", table.name):
                await connection.execute(insert(table), list(_rows(table, count, start)))
        if not only:
            await connection.execute(update(change_counter).values(value=start + count + 1))
    await engine.dispose()


async def contents(url: str) -> dict[str, list[tuple[Any, ...]]]:
    engine = make_engine(url)
    try:
        async with engine.connect() as connection:
            return {
                table.name: sorted((tuple(row) for row in await connection.execute(select(table))), key=repr)
                for table in metadata.sorted_tables
            }
    finally:
        await engine.dispose()
