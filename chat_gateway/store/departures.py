"""What deleted accounts still are in: the rooms they must leave, and those who could still write to them."""

from collections.abc import Collection
from typing import NamedTuple

from sqlalchemy import exists, literal, literal_column, select, tuple_
from sqlalchemy import text as sql

from chat_gateway.core.directs import OF_TWO
from chat_gateway.core.ids import RoomId, UserId
from chat_gateway.store.database import Database
from chat_gateway.store.tables import block, member, person, room


class Leaving(NamedTuple):
    """A deleted account that is in a room."""

    user: UserId
    room: RoomId
    is_owner: bool


class Conversation(NamedTuple):
    """A deleted account and another in a direct room of theirs alone, which that one can post in."""

    user: UserId
    other: UserId


class Departures:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def deleted(self, *, after: UserId, limit: int) -> list[UserId]:
        """Some of the deleted accounts, in the order of their ids, behind one."""
        # As the index of them says it (ix_person_deleted), with no values: so it can serve.
        gone = sql("person.disabled AND person.name = ''")
        query = select(person.c.id).where(gone, person.c.id > after).order_by(person.c.id).limit(limit)
        async with self._database.statement() as connection:
            return [UserId(row.id) for row in await connection.execute(query)]

    async def leaving(self, users: Collection[UserId], *, after: tuple[UserId, RoomId], limit: int) -> list[Leaving]:
        """Some of the rooms that these are in, but direct ones, by account and room, behind one."""
        query = (
            select(member.c.user_id, member.c.room_id, member.c.role)
            .join(room, room.c.id == member.c.room_id)
            .where(self._database.among(member.c.user_id, users), member.c.status == literal_column("'joined'"))
            .where(room.c.kind != "direct", tuple_(member.c.user_id, member.c.room_id) > tuple_(*map(literal, after)))
            .order_by(member.c.user_id, member.c.room_id)
            .limit(limit)
        )
        async with self._database.statement() as connection:
            rows = (await connection.execute(query)).all()
        return [Leaving(UserId(row.user_id), RoomId(row.room_id), row.role == "owner") for row in rows]

    async def conversations(self, users: Collection[UserId], *, limit: int) -> list[Conversation]:
        """Some of those who could still write to one of these."""
        other = member.alias("other")
        is_shut = exists().where(block.c.user_id == member.c.user_id, block.c.blocked_id == other.c.user_id)
        query = (
            select(member.c.user_id, other.c.user_id.label("other"))
            .join(room, room.c.id == member.c.room_id)
            .join(other, (other.c.room_id == room.c.id) & (other.c.user_id != member.c.user_id))
            .where(self._database.among(member.c.user_id, users), member.c.status == literal_column("'joined'"))
            .where(room.c.kind == "direct", room.c.members == OF_TWO, ~is_shut)
            .limit(limit)
        )
        async with self._database.statement() as connection:
            rows = (await connection.execute(query)).all()
        return [Conversation(UserId(row.user_id), UserId(row.other)) for row in rows]
