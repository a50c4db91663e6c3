"""Copies all of auth from one database to another, table by table, in pages of primary-key order.

Each page is written only where the target differs, so a run that was ended in the middle is repeated until one comes to
its end: nothing is lost, nothing stands twice, and rows the source has no more go. A table in the target says whose
unfinished copy it is; it goes last, and no service starts before. Numbers go on: those of the audit log, and those of
the changes feed, so that the gateways' cursors hold.
"""

import hashlib
import json
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Column, MetaData, Table, Text, Tuple, delete, func, inspect, literal, select, text, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from auth_service.core.audit import Record
from auth_service.store.audit import INSERTION, rows_of
from auth_service.store.copy_ends import CopyRefused
from auth_service.store.database import UNFINISHED_COPY
from auth_service.store.insertion import insert_or_replace, insert_or_skip
from auth_service.store.tables import audit, change_counter, metadata

Progress = Callable[[str, int, int], object]
"""Called with the table, and how many of how many rows have been read."""

TABLES = tuple(metadata.sorted_tables)

_Row = tuple[Any, ...]
_DIGEST_BYTES = 16

_mark = Table(UNFINISHED_COPY, MetaData(), Column("source", Text, primary_key=True))


class Figures(NamedTuple):
    """What is compared of a table: how many rows, and a digest of all that is in them, in whatever order."""

    rows: int
    digest: str


class Compared(NamedTuple):
    table: str
    source: Figures
    target: Figures


class Copying:
    """In this order: claim, copy_tables, compare, finish. Both connections are held (store/copy_ends.py)."""

    def __init__(self, source: AsyncConnection, target: AsyncConnection, *, page_rows: int = 500) -> None:
        self._source, self._target = source, target
        self._page_rows = page_rows
        self._is_resumed = False

    async def claim(self, source_name: str) -> None:
        """Make sure that the target may take this copy, and mark it as unfinished. Raises CopyRefused."""
        if await _has_mark(self._source):
            raise CopyRefused("The source is itself a copy that was not finished. Finish that one first.")
        self._is_resumed = await _has_mark(self._target)
        if self._is_resumed:
            if await self._target.scalar(select(_mark.c.source)) != source_name:
                raise CopyRefused("The target holds an unfinished copy of another database. Take an empty one.")
            return
        if not await _is_unused(self._target):
            raise CopyRefused(
                "The target holds accounts, keys or links already. Take an empty database; the copy makes its tables."
            )
        await self._target.run_sync(_mark.create)
        await self._target.execute(_mark.insert().values(source=source_name))
        await self._target.commit()

    async def copy_tables(self, progress: Progress) -> None:
        """Bring all rows over. May be ended anywhere and run again."""
        if self._is_resumed:
            # First of all: an address that was free again may belong to another account by now.
            for table in reversed(TABLES):
                await self._drop_what_is_gone(table)
        for table in TABLES:
            total = await _count(self._source, table)
            read = 0
            async for page in self._pages(self._source, table, _columns(table)):
                await self._put(table, page)
                read += len(page)
                progress(table.name, read, total)

    async def compare(self) -> list[Compared]:
        return [
            Compared(table.name, await self._figures(self._source, table), await self._figures(self._target, table))
            for table in TABLES
        ]

    async def finish(self, *records: Record) -> None:
        """Let the target count on from here and take the mark off: from now on it is auth's database.

        The records are the first that its audit log has of its own.
        """
        if self._target.dialect.name == "postgresql":
            await self._target.execute(
                text("SELECT setval(pg_get_serial_sequence('audit', 'n'), n) FROM audit ORDER BY n DESC LIMIT 1")
            )
            await self._target.execute(text("ANALYZE"))
        if records:
            await self._target.execute(INSERTION, rows_of(records))
        await self._target.run_sync(_mark.drop)
        await self._target.commit()

    async def _put(self, table: Table, page: Sequence[_Row]) -> None:
        """Write what the target lacks or has otherwise."""
        columns, width = _columns(table), len(_key(table))
        found = await self._target.execute(select(*columns).where(_is_among(table, [row[:width] for row in page])))
        known = {_packed(tuple(row)) for row in found}
        names = [column.name for column in columns]
        rows = [dict(zip(names, row, strict=True)) for row in page if _packed(row) not in known]
        if rows:
            # The audit log refuses even the wish to change a row.
            insert = insert_or_skip(self._target, table) if table is audit else insert_or_replace(self._target, table)
            await self._target.execute(insert, rows)
        await self._target.commit()

    async def _drop_what_is_gone(self, table: Table) -> None:
        """Delete rows of an earlier run that the source has lost since; the audit log loses only what is old."""
        key = _key(table)
        async for page in self._pages(self._target, table, key):
            kept = {tuple(row) for row in await self._source.execute(select(*key).where(_is_among(table, page)))}
            if gone := [row for row in page if row not in kept]:
                await self._target.execute(delete(table).where(_is_among(table, gone)))
            await self._target.commit()

    async def _pages(
        self, connection: AsyncConnection, table: Table, columns: Sequence[Column[Any]]
    ) -> AsyncIterator[list[_Row]]:
        """Walk the table in its primary key's order, whatever that is in this database. The key comes first."""
        query = after = select(*columns).order_by(*_key(table)).limit(self._page_rows)
        while page := [tuple(row) for row in await connection.execute(after)]:
            yield page
            after = query.where(tuple_(*_key(table)) > _key_of(table, page[-1]))

    async def _figures(self, connection: AsyncConnection, table: Table) -> Figures:
        rows = total = 0
        async for page in self._pages(connection, table, _columns(table)):
            rows += len(page)
            # A sum, for the two databases sort otherwise.
            total += sum(int.from_bytes(hashlib.sha256(_packed(row)).digest()[:_DIGEST_BYTES]) for row in page)
        return Figures(rows, f"{total % (1 << 8 * _DIGEST_BYTES):032x}")


def _key(table: Table) -> list[Column[Any]]:
    return list(table.primary_key.columns)


def _columns(table: Table) -> list[Column[Any]]:
    key = _key(table)
    return [*key, *(column for column in table.columns if column not in key)]


def _key_of(table: Table, row: _Row) -> Tuple:
    return tuple_(*(literal(value, column.type) for value, column in zip(row, _key(table), strict=False)))


def _is_among(table: Table, keys: Sequence[_Row]) -> Any:  # noqa: ANN401 - SQLAlchemy names the two forms differently
    key = _key(table)
    return key[0].in_([row[0] for row in keys]) if len(key) == 1 else tuple_(*key).in_(keys)


def _packed(row: _Row) -> bytes:
    """A row as bytes, the same ones for the same values in both databases."""
    return json.dumps(row, sort_keys=True, default=_plain).encode()


def _plain(value: bytes | datetime) -> str:
    return value.hex() if isinstance(value, bytes) else value.isoformat()


async def _has_mark(connection: AsyncConnection) -> bool:
    return await connection.run_sync(lambda sync: inspect(sync).has_table(UNFINISHED_COPY))


async def _is_unused(target: AsyncConnection) -> bool:
    """Tell whether there is nothing but what the migrations make."""
    if await target.scalar(select(change_counter.c.value)) != 0:
        return False
    others = [table for table in TABLES if table is not change_counter]
    return not any([await target.scalar(select(literal(1)).select_from(table).limit(1)) for table in others])


async def _count(connection: AsyncConnection, table: Table) -> int:
    return (await connection.execute(select(func.count()).select_from(table))).scalar_one()
