"""Rooms as one person sees them: through their membership, so that a stranger and a missing room look alike."""

from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, func, select
from sqlalchemy.ext.asyncio import AsyncConnection
from typing_extensions import override

from chat_gateway.core import ports
from chat_gateway.core.ids import RoomId, UserId
from chat_gateway.core.rooms import Room
from chat_gateway.store.database import Database
from chat_gateway.store.tables import entry, log, member, room

_MOST_PUBLIC = 1_000


class Rooms(ports.Rooms):
    def __init__(self, database: Database) -> None:
        self._database = database

    @override
    async def of_member(self, user: UserId) -> list[Room]:
        async with self._database.statement() as connection:
            return await rooms_of_member(connection, user)

    @override
    async def public(self, user: UserId) -> list[Room]:
        query = _seen_by(user).where(room.c.kind == "public")
        query = query.order_by(func.lower(room.c.name), room.c.name, room.c.id).limit(_MOST_PUBLIC)
        async with self._database.statement() as connection:
            return [_room(row) for row in await connection.execute(query)]

    @override
    async def find(self, room_id: RoomId, user: UserId) -> Room | None:
        query = _seen_by(user).where(room.c.id == room_id, (room.c.kind == "public") | member.c.role.is_not(None))
        async with self._database.statement() as connection:
            row = (await connection.execute(query)).one_or_none()
        return row and _room(row)


async def rooms_of_member(connection: AsyncConnection, user: UserId) -> list[Room]:
    """Read the rooms the user is in, the most recently active first, in the transaction of the connection."""
    last = and_(entry.c.log_id == log.c.id, entry.c.offset == log.c.head)
    joined = member.join(room, room.c.id == member.c.room_id).join(log, log.c.id == _log_id())
    query = (
        select(*_COLUMNS)
        .select_from(joined.outerjoin(entry, last))
        .where(member.c.user_id == user, member.c.status == "joined")
        .order_by(func.coalesce(entry.c.at, room.c.created_at).desc(), room.c.id)
    )
    return [_room(row) for row in await connection.execute(query)]


def _log_id() -> ColumnElement[str]:
    return "room:" + room.c.id


def _seen_by(user: UserId) -> Select[Any]:
    own = and_(member.c.room_id == room.c.id, member.c.user_id == user, member.c.status == "joined")
    return select(*_COLUMNS).select_from(room.join(log, log.c.id == _log_id()).outerjoin(member, own))


_COLUMNS = (
    room.c.id,
    room.c.name,
    room.c.kind,
    room.c.topic,
    log.c.head,
    log.c.posts,
    member.c.role,
    member.c.marker,
    member.c.marker_posts,
)


def _room(row: Row[*tuple[Any, ...]]) -> Room:
    return Room(
        id=RoomId(row.id),
        name=row.name,
        kind=row.kind,
        topic=row.topic,
        role=row.role,
        head=row.head,
        posts=row.posts,
        marker=row.marker or 0,
        unread=0 if row.role is None else row.posts - row.marker_posts,
    )
