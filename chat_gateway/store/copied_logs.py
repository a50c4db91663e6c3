"""Compares the logs of two databases, each log by itself: what sums over all hide, such as an entry in a wrong log.

Works in pages of logs and keeps no more than one in memory. Nobody may write to either database meanwhile.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Select, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from chat_gateway.store.tables import entry, log


class LogFigures(NamedTuple):
    """What a log says of itself (`head`, `posts`), and what is there: how many entries, and the last one's offset."""

    head: int
    posts: int
    entries: int
    last: int


class UnlikeLog(NamedTuple):
    """None where a database has no such log."""

    log: str
    source: LogFigures | None
    target: LogFigures | None


async def unlike_logs(
    source: AsyncConnection,
    target: AsyncConnection,
    *,
    page_rows: int = 500,
    progress: Callable[[int], None] = lambda _compared: None,
) -> AsyncIterator[UnlikeLog]:
    """Find the logs that differ. `progress` is told how many of the source's were compared, after each page."""
    compared = 0
    async for names in _pages(source, page_rows):
        ours, theirs = await _figures(source, names), await _figures(target, names)
        for name in names:
            if ours[name] != theirs.get(name):
                yield UnlikeLog(name, ours[name], theirs.get(name))
        compared += len(names)
        progress(compared)
    async for names in _pages(target, page_rows):
        known = set((await source.execute(select(log.c.id).where(log.c.id.in_(names)))).scalars())
        if unknown := [name for name in names if name not in known]:
            theirs = await _figures(target, unknown)
            for name in unknown:
                yield UnlikeLog(name, None, theirs[name])


async def _pages(connection: AsyncConnection, page_rows: int) -> AsyncIterator[Sequence[str]]:
    """Walk the names of all logs in this database's own order."""
    query = after = select(log.c.id).order_by(log.c.id).limit(page_rows)
    while names := (await connection.execute(after)).scalars().all():
        yield names
        after = query.where(log.c.id > names[-1])


async def _figures(connection: AsyncConnection, names: Sequence[str]) -> dict[str, LogFigures]:
    rows = await connection.execute(_figures_of(names))
    return {row.id: LogFigures(row.head, row.posts, row.entries, row.last) for row in rows}


def _figures_of(names: Sequence[str]) -> Select[Any]:
    own = entry.c.log_id == log.c.id
    entries = select(func.count()).where(own).scalar_subquery().label("entries")
    last = select(func.coalesce(func.max(entry.c.offset), 0)).where(own).scalar_subquery().label("last")
    return select(log.c.id, log.c.head, log.c.posts, entries, last).where(log.c.id.in_(names))
