"""Rows of the audit log: all SQL of the noun. The database itself refuses to change or delete one."""

from collections.abc import Iterator, Sequence

import structlog
from prometheus_client import Counter
from sqlalchemy import ColumnElement, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from auth_service.core.audit import EVERYTHING, Record, Recorded, Wanted
from auth_service.store import tables
from auth_service.store.clock import database_now

RECORDED = Counter("parley_auth_audit_records", "Records of the audit log, by what happened.", ["event"])

_audit = tables.audit


class StoredAudit:
    """What `add` writes is also collected in `written`, for the service's log after the commit."""

    def __init__(self, connection: AsyncConnection, written: list[Record]) -> None:
        self._connection = connection
        self._written = written

    async def add(self, *records: Record) -> None:
        if not records:
            return
        rows = [
            {
                "event": record.event,
                "user_id": record.user,
                "actor": record.actor,
                "network": record.network,
                "details": dict(record.details),
            }
            for record in records
        ]
        await self._connection.execute(insert(_audit).values(at=database_now()), rows)
        self._written.extend(records)

    async def page(self, wanted: Wanted = EVERYTHING, *, after: int = 0, limit: int = 1000) -> list[Recorded]:
        query = select(_audit).where(_audit.c.n > after, *_conditions(wanted)).order_by(_audit.c.n).limit(limit)
        return [
            Recorded(row.n, row.at, Record(row.event, row.user_id, row.actor, row.network, row.details))
            for row in await self._connection.execute(query)
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
