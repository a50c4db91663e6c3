"""Rooms as one person sees them: through their membership, so that a stranger and a missing room look alike."""

from typing import Any, Literal

from sqlalchemy import ColumnElement, Row, Select, and_, case, func, literal, literal_column, select
from sqlalchemy.ext.asyncio import AsyncConnection
from typing_extensions import override

from chat_gateway.core import ports
from chat_gateway.core.ids import RoomId, UserId
from chat_gateway.core.rooms import Member, Room
from chat_gateway.store.database import Database
from chat_gateway.store.tables import entry, invite, log, member, mention, message, room, thread_member

_MOST_PUBLIC = 1_000
_MOST_COUNTED = 100
_EVERYBODY = "*"
_BETWEEN = "\n"


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


async def rooms_of_member(connection: AsyncConnection, user: UserId) -> list[Room]:
    """Read the rooms the user is in, the most recently active first, in the transaction of the connection."""
    last = and_(entry.c.log_id == log.c.id, entry.c.offset == log.c.head)
    joined = member.join(room, room.c.id == member.c.room_id).join(log, log.c.id == _log_id())
    query = (
        select(*_columns(user))
        .select_from(joined.outerjoin(entry, last))
        .where(member.c.user_id == user, member.c.status == "joined")
        .order_by(func.coalesce(entry.c.at, room.c.created_at).desc(), room.c.id)
    )
    return [_room(row) for row in await connection.execute(query)]


def _log_id() -> ColumnElement[str]:
    return "room:" + room.c.id


def _seen_by(user: UserId) -> Select[Any]:
    own = and_(member.c.room_id == room.c.id, member.c.user_id == user, member.c.status == "joined")
    return select(*_columns(user)).select_from(room.join(log, log.c.id == _log_id()).outerjoin(member, own))


def _columns(user: UserId) -> tuple[ColumnElement[Any], ...]:
    return (
        room.c.id,
        room.c.name,
        room.c.kind,
        room.c.topic,
        room.c.read_only,
        room.c.archived,
        room.c.members,
        log.c.head,
        log.c.posts,
        member.c.role,
        member.c.marker,
        member.c.marker_posts,
        _mentions(user).label("mentions"),
        _threads(user).label("threads"),
        _people().label("people"),
    )


def _mentions(user: UserId) -> ColumnElement[int]:
    """Count the messages above the marker that mention the user, or the whole room, and are not their own."""
    found = (
        select(mention.c.offset)
        .distinct()
        .where(
            mention.c.user_id.in_((user, _EVERYBODY)),
            mention.c.room_id == room.c.id,
            mention.c.offset > member.c.marker,
            mention.c.author != user,
        )
        .limit(_MOST_COUNTED)
        .correlate(room, member)
    )
    return select(func.count()).select_from(found.subquery()).scalar_subquery()


def _threads(user: UserId) -> ColumnElement[int]:
    """Count the threads the user follows, has not muted, and has not read to the end."""
    root = and_(message.c.room_id == thread_member.c.room_id, message.c.offset == thread_member.c.root)
    found = (
        select(literal(1).label("one"))
        .select_from(thread_member.join(message, root))
        .where(
            member.c.role.is_not(None),
            thread_member.c.user_id == user,
            thread_member.c.room_id == room.c.id,
            thread_member.c.follows,
            ~thread_member.c.muted,
            message.c.thread_posts > thread_member.c.marker_posts,
        )
        .limit(_MOST_COUNTED)
        .correlate(room, member)
    )
    return select(func.count()).select_from(found.subquery()).scalar_subquery()


def _people() -> ColumnElement[str | None]:
    """List everybody in a direct room: nobody leaves one, and they are ten at most."""
    own = member.alias()
    people = select(func.aggregate_strings(own.c.user_id, _BETWEEN)).where(own.c.room_id == room.c.id)
    return case((room.c.kind == "direct", people.correlate(room).scalar_subquery()))


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
        read_only=row.read_only,
        archived=row.archived,
        members=row.members,
        mentions=row.mentions,
        threads=row.threads,
        people=tuple(UserId(user) for user in sorted(row.people.split(_BETWEEN))) if row.people else (),
    )
