"""Who is in a room, and how far its members have read: each answer is of one moment."""

from sqlalchemy import ColumnElement, and_, func, select
from typing_extensions import override

from chat_gateway.core import ports
from chat_gateway.core.directs import OF_TWO
from chat_gateway.core.ids import RoomId, UserId, room_log
from chat_gateway.core.live import Membership, ReadBy
from chat_gateway.store.database import Database
from chat_gateway.store.tables import block, log, member
from chat_gateway.store.tables import room as the_room

_GREATEST = (1 << 63) - 1


class Memberships(ports.Memberships):
    def __init__(self, database: Database) -> None:
        self._database = database

    @override
    async def of(self, room: RoomId) -> Membership | None:
        query = (
            select(log.c.head, member.c.user_id)
            .select_from(log.outerjoin(member, _joined(room)))
            .where(log.c.id == room_log(room))
        )
        async with self._database.statement() as connection:
            rows = (await connection.execute(query)).all()
        if not rows:
            return None
        return Membership(rows[0].head, frozenset(UserId(row.user_id) for row in rows if row.user_id is not None))

    @override
    async def has(self, room: RoomId, user: UserId) -> bool:
        query = select(member.c.role).where(_joined(room), member.c.user_id == user)
        async with self._database.statement() as connection:
            return (await connection.execute(query)).one_or_none() is not None

    @override
    async def reaches(self, room: RoomId, user: UserId) -> bool:
        query = (
            select(block.c.user_id)
            .join(member, member.c.user_id == block.c.user_id)
            .join(the_room, the_room.c.id == member.c.room_id)
            .where(_joined(room), block.c.blocked_id == user, the_room.c.kind == "direct", the_room.c.members == OF_TWO)
        )
        async with self._database.statement() as connection:
            return (await connection.execute(query)).first() is None

    @override
    async def receipts(self, room: RoomId, viewer: UserId, *, offset: int | None, most: int) -> ReadBy | None:
        joined = _joined(room)
        mine = select(member.c.role).where(joined, member.c.user_id == viewer)
        few = select(member.c.user_id, member.c.marker).where(joined).limit(most + 1)
        async with self._database.snapshot() as connection:
            if (await connection.execute(mine)).one_or_none() is None:
                return None
            markers = {UserId(row.user_id): row.marker for row in await connection.execute(few)}
            if len(markers) <= most:
                return ReadBy(markers=markers)
            if offset is None:
                return ReadBy()
            at_least = member.c.marker >= max(-1, min(offset, _GREATEST))
            return ReadBy(count=(await connection.execute(select(func.count()).where(joined, at_least))).scalar_one())


def _joined(room: RoomId) -> ColumnElement[bool]:
    return and_(member.c.room_id == room, member.c.status == "joined")
