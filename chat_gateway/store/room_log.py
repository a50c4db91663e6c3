"""Reading the logs: pages of history for people, heads and missing publications for the engine."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import Row, Select, select
from typing_extensions import override

from chat_gateway.core import ports
from chat_gateway.core.entries import Entry
from chat_gateway.core.ids import ClientId, EntryId, LogId, RoomId, UserId, room_log
from chat_gateway.publications import publication_of
from chat_gateway.realtime.ports import ChannelLog
from chat_gateway.realtime.publication import Position, Publication
from chat_gateway.store.database import Database
from chat_gateway.store.tables import entry, epoch, log, member

_EPOCH = select(epoch.c.epoch).scalar_subquery().label("epoch")


class RoomLog(ports.History, ChannelLog):
    def __init__(self, database: Database) -> None:
        self._database = database

    @override
    async def page(
        self, room: RoomId, viewer: UserId, *, after: int | None = None, before: int | None = None, limit: int
    ) -> ports.Page | None:
        name = room_log(room)
        query = select(entry).where(entry.c.log_id == name).limit(limit)
        if before is not None:
            query = query.where(entry.c.offset < before)
        if after is not None:
            query = query.where(entry.c.offset > after).order_by(entry.c.offset)
        else:
            query = query.order_by(entry.c.offset.desc())
        async with self._database.snapshot() as connection:
            seen = (await connection.execute(_seen_by(room, viewer))).one_or_none()
            if seen is None:
                return None
            entries = [entry_of(row) for row in await connection.execute(query)]
        return ports.Page(entries=tuple(sorted(entries, key=lambda row: row.offset)), head=seen.head, epoch=seen.epoch)

    @override
    async def heads(self, channels: Collection[str]) -> dict[str, Position]:
        query = select(log.c.id, log.c.head, _EPOCH).where(self._database.among(log.c.id, channels))
        async with self._database.statement() as connection:
            rows = await connection.execute(query)
            return {row.id: Position(row.head, row.epoch) for row in rows}

    @override
    async def read(self, channel: str, *, after: int, limit: int) -> list[Publication]:
        query = (
            select(entry).where(entry.c.log_id == channel, entry.c.offset > after).order_by(entry.c.offset).limit(limit)
        )
        async with self._database.statement() as connection:
            return [publication_of(entry_of(row)) for row in await connection.execute(query)]


def _seen_by(room: RoomId, viewer: UserId) -> Select[Any]:
    """Make the query for a room's head and the epoch, which has no row for one who is no member."""
    joined = (member.c.room_id == room) & (member.c.user_id == viewer) & (member.c.status == "joined")
    return select(log.c.head, _EPOCH).select_from(log.join(member, joined)).where(log.c.id == room_log(room))


def head_of(channel: str) -> Select[Any]:
    """Make the query for the epoch and, where the log is there, its head."""
    return select(epoch.c.epoch, log.c.head).select_from(epoch.outerjoin(log, log.c.id == channel))


def entry_of(row: Row[Any]) -> Entry:
    return Entry(
        log=LogId(row.log_id),
        offset=row.offset,
        kind=row.kind,
        id=EntryId(row.id),
        author=UserId(row.author),
        client_id=ClientId(row.client_id),
        at=row.at,
        posts=row.posts,
        subject=None if row.subject is None else UserId(row.subject),
        content=row.content,
    )
