"""Copies a chat from one database to another, table by table, in pages of primary-key order.

Each page is written only where the target differs, so a run that was ended in the middle is repeated until one comes to
its end: nothing is lost, nothing stands twice, and rows the source has no more go. The chat's epoch comes last: until
then the target's is marked as unfinished. The search index is not copied; the gateways build it anew.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Column, Insert, Table, Tuple, delete, func, literal, select, text, tuple_, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from chat_gateway.core.rooms import DEFAULT_ROOM
from chat_gateway.store.copy_ends import CopyRefused
from chat_gateway.store.database import UNFINISHED
from chat_gateway.store.tables import epoch, log, metadata, room, search, search_cursor

Progress = Callable[[str, int, int], None]
"""Called with the table, and how many of how many rows have been read."""

_Row = tuple[Any, ...]
_MADE_BY_MIGRATIONS = (epoch, log, room)
TABLES = tuple(table for table in metadata.sorted_tables if table not in (epoch, search, search_cursor))


class Figures(NamedTuple):
    """What is compared of a table: how many rows, and the sum of their positions in the logs."""

    rows: int
    positions: int


class Compared(NamedTuple):
    table: str
    source: Figures
    target: Figures


class Copying:
    """In this order: claim, copy_tables, compare, finish. Both connections are held (store/copy_ends.py)."""

    def __init__(self, source: AsyncConnection, target: AsyncConnection, *, page_rows: int = 500) -> None:
        self._source, self._target = source, target
        self._page_rows = page_rows

    async def claim(self) -> str:
        """Make sure that the target may take this chat, and mark it as unfinished. Answers the chat's epoch."""
        own, found = await _epoch(self._source), await _epoch(self._target)
        if own.startswith(UNFINISHED):
            raise CopyRefused("The source is itself a copy that was not finished. Finish that one first.")
        if found == own:
            raise CopyRefused("The target holds this chat already, all of it. To copy again, take an empty database.")
        mark = (UNFINISHED + own)[:8]
        if found != mark and not await _is_unused(self._target):
            raise CopyRefused(
                "The target holds another chat. Take a database of its own:"
                " create an empty one, then CHAT_DATABASE_URL=... python -m chat_gateway migrate"
            )
        for table in (search, search_cursor):
            await self._target.execute(delete(table))
        await self._target.execute(update(epoch).values(epoch=mark))
        await self._target.commit()
        return own

    async def copy_tables(self, progress: Progress) -> None:
        """Bring all rows over. May be ended anywhere and run again."""
        for table in TABLES:
            total = await _count(self._source, table)
            async for read in self._put(table):
                progress(table.name, read, total)
            if await _count(self._target, table) != total:
                await self._drop_what_is_gone(table)

    async def compare(self) -> list[Compared]:
        return [
            Compared(table.name, await _figures(self._source, table), await _figures(self._target, table))
            for table in TABLES
        ]

    async def finish(self, own: str) -> None:
        """Give the target the chat's epoch: from now on it is this chat. Clients go on at their offsets."""
        await self._target.execute(update(epoch).values(epoch=own))
        if self._target.dialect.name == "postgresql":
            await self._target.execute(text("ANALYZE"))
        await self._target.commit()

    async def _put(self, table: Table) -> AsyncIterator[int]:
        """Write what the target lacks or has otherwise; tell after each page how many rows have been read."""
        key = _key(table)
        columns = [*key, *(column for column in table.columns if column not in key)]
        names = [column.name for column in columns]
        has_rows = await _has_rows(self._target, table)
        read, before = 0, None
        async for page in self._pages(self._source, table, columns):
            known = await self._between(table, columns, before, page[-1]) if has_rows else set()
            rows = [dict(zip(names, row, strict=True)) for row in page if row not in known]
            if rows:
                await self._target.execute(_upsert(self._target, table), rows)
            await self._target.commit()
            read, before = read + len(page), page[-1]
            yield read

    async def _drop_what_is_gone(self, table: Table) -> None:
        """Delete rows of an earlier run that the source has lost since."""
        key = _key(table)
        async for page in self._pages(self._target, table, key):
            is_one = key[0].in_([row[0] for row in page]) if len(key) == 1 else tuple_(*key).in_(page)
            kept = {tuple(row) for row in await self._source.execute(select(*key).where(is_one))}
            for row in page:
                if row not in kept:
                    same = [column == value for column, value in zip(key, row, strict=True)]
                    await self._target.execute(delete(table).where(*same))
            await self._target.commit()

    async def _pages(
        self, connection: AsyncConnection, table: Table, columns: Sequence[Column[Any]]
    ) -> AsyncIterator[list[_Row]]:
        """Walk the table in its primary key's order, whatever that is in this database. The key comes first."""
        query = after = select(*columns).order_by(*_key(table)).limit(self._page_rows)
        while page := [tuple(row) for row in await connection.execute(after)]:
            yield page
            after = query.where(tuple_(*_key(table)) > _key_of(table, page[-1]))

    async def _between(
        self, table: Table, columns: Sequence[Column[Any]], before: _Row | None, last: _Row
    ) -> set[_Row]:
        """Read what the target has of a page. Where it sorts otherwise it may be less: rows are then written again."""
        key = tuple_(*_key(table))
        query = select(*columns).where(key <= _key_of(table, last)).limit(2 * self._page_rows)
        if before is not None:
            query = query.where(key > _key_of(table, before))
        return {tuple(row) for row in await self._target.execute(query)}


def _key(table: Table) -> list[Column[Any]]:
    return list(table.primary_key.columns)


def _key_of(table: Table, row: _Row) -> Tuple:
    return tuple_(*(literal(value, column.type) for value, column in zip(row, _key(table), strict=False)))


def _upsert(target: AsyncConnection, table: Table) -> Insert:
    key = _key(table)
    # The two dialects spell it alike, each with a class of its own.
    insert = postgresql.insert(table) if target.dialect.name == "postgresql" else sqlite.insert(table)
    values = {column.name: insert.excluded[column.name] for column in table.columns if column not in key}
    return insert.on_conflict_do_update(index_elements=key, set_=values) if values else insert.on_conflict_do_nothing()


async def _epoch(connection: AsyncConnection) -> str:
    return str((await connection.execute(select(epoch.c.epoch))).scalar_one())


async def _is_unused(target: AsyncConnection) -> bool:
    """Tell whether there is nothing but what the migrations make."""
    if (await target.execute(select(log.c.id).where(log.c.head > 0).limit(1))).first():
        return False
    if (await target.execute(select(room.c.id).where(room.c.id != DEFAULT_ROOM).limit(1))).first():
        return False
    others = [table for table in metadata.sorted_tables if table not in _MADE_BY_MIGRATIONS]
    return not any([await _has_rows(target, table) for table in others])


async def _has_rows(connection: AsyncConnection, table: Table) -> bool:
    return (await connection.execute(select(literal(1)).select_from(table).limit(1))).first() is not None


async def _count(connection: AsyncConnection, table: Table) -> int:
    return (await connection.execute(select(func.count()).select_from(table))).scalar_one()


async def _figures(connection: AsyncConnection, table: Table) -> Figures:
    positions = [column for column in table.columns if column.name in ("head", "offset")]
    total = func.coalesce(func.sum(positions[0]), 0) if positions else literal(0)
    row = (await connection.execute(select(func.count(), total).select_from(table))).one()
    return Figures(row[0], int(row[1]))
