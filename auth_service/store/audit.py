"""Rows of the audit log: all SQL of the noun. The database itself refuses to change one, or to delete a recent one."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

import structlog
from prometheus_client import Counter
from sqlalchemy import ColumnElement, Insert, delete, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from auth_service.core.audit import EVERYTHING, Record, Recorded, Wanted
from auth_service.store import tables
from auth_service.store.clock import ago, database_now

RECORDED = Counter("parley_auth_audit_records", "Records of the audit log, by what happened.", ["event"])

_audit = tables.audit


INSERTION: Insert = insert(_audit).values(at=database_now())
"""For those who have no transaction of ours; see `rows_of`, and `tell` after the commit."""


class StoredAudit:
    """What `add` writes is also collected in `written`, for the service's log after the commit."""

    def __init__(self, connection: AsyncConnection, written: list[Record]) -> None:
        self._connection = connection
        self._written = written

    async def add(self, *records: Record) -> None:
        if not records:
            return
        await self._connection.execute(INSERTION, rows_of(records))
        self._written.extend(records)

    async def prune(self, older: timedelta, limit: int) -> int:
        old = (
            select(_audit.c.n)
            # SQLite would give the number of the last one again.
            .where(_audit.c.at < ago(older), _audit.c.n < select(func.max(_audit.c.n)).scalar_subquery())
            .order_by(_audit.c.at)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        return (await self._connection.execute(delete(_audit).where(_audit.c.n.in_(old)))).rowcount

    async def page(self, wanted: Wanted = EVERYTHING, *, after: int = 0, limit: int = 1000) -> list[Recorded]:
        query = select(_audit).where(_audit.c.n > after, *_conditions(wanted)).order_by(_audit.c.n).limit(limit)
        return [
            Recorded(row.n, row.at, Record(row.event, row.user_id, row.actor, row.network, row.details))
            for row in await self._connection.execute(query)
        ]


def rows_of(records: Sequence[Record]) -> list[dict[str, Any]]:
    return [
        {
            "event": record.event,
            "user_id": record.user,
            "actor": record.actor,
            "network": record.network,
            "details": dict(record.details),
        }
        for record in records
    ]


def tell(records: Sequence[Record]) -> None:
    """Log and count what has been committed."""
    log = structlog.get_logger("audit")
    for record in records:
        RECORDED.labels(record.event).inc()
        log.info(
            record.event, user=record.user, actor=record.actor, network=record.network, details=dict(record.details)
        )


def _conditions(wanted: Wanted) -> Iterator[ColumnElement[bool]]:
    if wanted.user is not None:
        yield (_audit.c.user_id == wanted.user) | (_audit.c.actor == wanted.user)
    if wanted.event is not None:
        yield _audit.c.event == wanted.event
    if wanted.since is not None:
        yield _audit.c.at >= wanted.since
