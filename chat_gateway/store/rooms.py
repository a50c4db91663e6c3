"""Rooms as one person sees them: through their membership, so that a stranger and a missing room look alike."""

from collections.abc import Collection
from typing import Literal

from sqlalchemy import ColumnElement, collate, func, literal, literal_column, select, tuple_
from typing_extensions import override

from chat_gateway.core import ports
from chat_gateway.core.ids import RoomId, UserId
from chat_gateway.core.rooms import Member, Room
from chat_gateway.store.database import Database
from chat_gateway.store.seen_rooms import SEEN, room_of, rooms_of_member
from chat_gateway.store.tables import invite, member, room


class Rooms(ports.Rooms):
    def __init__(self, database: Database) -> None:
        self._database = database

    @override
    async def of_member(self, user: UserId) -> list[Room]:
        async with self._database.statement() as connection:
            return await rooms_of_member(connection, user)

    @override
    async def public(
        self, user: UserId, *, after: RoomId | None = None, limit: int, within: Collection[RoomId] | None = None
    ) -> ports.RoomPage | None:
        # The kind stands in the text and not in a value, so that the index of the public ones can serve.
        public = room.c.kind == literal_column("'public'")
        if within is not None:
            public &= room.c.id.in_(sorted(within))
        order = self._by_name(room.c.name, room.c.id)
        page = select(room.c.id).where(public).order_by(*order).limit(limit + 1)
        async with self._database.snapshot() as connection:
            if after is not None:
                # Of a public one only: where others stand among these would tell a stranger what they are called.
                last = (await connection.execute(select(room.c.name).where(public, room.c.id == after))).one_or_none()
                if last is None:
                    return None
                behind = self._by_name(literal(last.name), literal(after))
                # The first says nothing new; SQLite finds its place in the index by it, and not by the whole.
                page = page.where(order[0] >= behind[0], tuple_(*order) > tuple_(*behind))
            rows = await connection.execute(SEEN.where(room.c.id.in_(page)).order_by(*order), {"viewer": user})
            found = [room_of(row) for row in rows]
        return ports.RoomPage(rooms=tuple(found[:limit]), more=len(found) > limit)

    @override
    async def find(self, room_id: RoomId, user: UserId) -> Room | None:
        query = SEEN.where(room.c.id == room_id, (room.c.kind == "public") | member.c.role.is_not(None))
        async with self._database.statement() as connection:
            row = (await connection.execute(query, {"viewer": user})).one_or_none()
        return row and room_of(row)

    @override
    async def members(
        self, room_id: RoomId, viewer: UserId, *, status: Literal["joined", "banned"], after: UserId, limit: int
    ) -> ports.Roster | None:
        own = select(member.c.role).where(
            member.c.room_id == room_id, member.c.user_id == viewer, member.c.status == "joined"
        )
        # The status stands in the text and not in a value, so that the index of the banned can serve.
        page = (
            select(member.c.user_id, member.c.role)
            .where(member.c.room_id == room_id, member.c.status == literal_column(f"'{status}'"))
            .where(member.c.user_id > after)
            .order_by(member.c.user_id)
            .limit(limit + 1)
        )
        async with self._database.snapshot() as connection:
            role = (await connection.execute(own)).scalar_one_or_none()
            if role is None:
                return None
            found = [Member(user=UserId(row.user_id), role=row.role) for row in await connection.execute(page)]
        return ports.Roster(viewer=role, members=tuple(found[:limit]), more=len(found) > limit)

    @override
    async def invited(self, token_hash: str) -> RoomId | None:
        query = select(invite.c.room_id).where(invite.c.token_hash == token_hash)
        async with self._database.statement() as connection:
            found = (await connection.execute(query)).scalar_one_or_none()
        return None if found is None else RoomId(found)

    def _by_name(self, name: ColumnElement[str], room_id: ColumnElement[str]) -> tuple[ColumnElement[str], ...]:
        """Name what rooms are ordered by: their names without regard to case, as ix_room_public has them."""
        folded = func.lower(name) if self._database.is_postgres else collate(name, "NOCASE")
        return folded, name, room_id
