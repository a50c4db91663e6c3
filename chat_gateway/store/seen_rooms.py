"""A room as one person sees it, in one row: with their role, what is unread there, and who is in a direct one.

The queries are made once, for putting them together takes longer than the database takes to answer. For the same
reason the rooms of many people are read in one statement.
"""

import json
from collections.abc import Collection
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, Text, and_, any_, bindparam, case, func, literal, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from chat_gateway.core.ids import RoomId, UserId
from chat_gateway.core.rooms import Room
from chat_gateway.store.tables import entry, log, member, mention, message, room, thread_member

_MOST_COUNTED = 100
_EVERYBODY = "*"
_BETWEEN = "\n"
_VIEWER: ColumnElement[str] = bindparam("viewer", type_=Text)


Rows = list[Row[*tuple[Any, ...]]]


async def rooms_of_member(connection: AsyncConnection, user: UserId) -> list[Room]:
    """Read the rooms the user is in, the most recently active first, in the transaction of the connection."""
    return list(map(room_of, (await rows_of_members(connection, [user]))[user]))


async def rows_of_members(connection: AsyncConnection, users: Collection[UserId]) -> dict[UserId, Rows]:
    """Read the rooms of each user as `rooms_of_member` does, as rows for `room_of`.

    The caller makes rooms of them for one user after another: all at once would keep everybody else waiting.
    """
    is_postgres = connection.dialect.name == "postgresql"
    query, given = (_OF_POSTGRES, list(users)) if is_postgres else (_OF_SQLITE, json.dumps(list(users)))
    found: dict[UserId, Rows] = {user: [] for user in users}
    for row in await connection.execute(query, {"viewers": given}):
        found[row.user_id].append(row)
    return found


def _of_members(among: ColumnElement[bool]) -> Select[Any]:
    last = and_(entry.c.log_id == log.c.id, entry.c.offset == log.c.head)
    joined = member.join(room, room.c.id == member.c.room_id).join(log, log.c.id == _log_id())
    return (
        select(*_columns(), member.c.user_id)
        .select_from(joined.outerjoin(entry, last))
        .where(among, member.c.status == "joined")
        .order_by(func.coalesce(entry.c.at, room.c.created_at).desc(), room.c.id)
    )


def _seen() -> Select[Any]:
    own = and_(member.c.room_id == room.c.id, member.c.user_id == _VIEWER, member.c.status == "joined")
    return select(*_columns()).select_from(room.join(log, log.c.id == _log_id()).outerjoin(member, own))


def _log_id() -> ColumnElement[str]:
    return "room:" + room.c.id


def _columns() -> tuple[ColumnElement[Any], ...]:
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
        _mentions().label("mentions"),
        _threads().label("threads"),
        _people().label("people"),
    )


def _mentions() -> ColumnElement[int]:
    """Count the messages above the marker that mention the viewer, or the whole room, and are not their own."""
    found = (
        select(mention.c.offset)
        .distinct()
        .where(
            mention.c.user_id.in_((member.c.user_id, _EVERYBODY)),
            mention.c.room_id == room.c.id,
            mention.c.offset > member.c.marker,
            mention.c.author != member.c.user_id,
        )
        .limit(_MOST_COUNTED)
        .correlate(room, member)
    )
    return select(func.count()).select_from(found.subquery()).scalar_subquery()


def _threads() -> ColumnElement[int]:
    """Count the threads the viewer follows, has not muted, and has not read to the end."""
    root = and_(message.c.room_id == thread_member.c.room_id, message.c.offset == thread_member.c.root)
    found = (
        select(literal(1).label("one"))
        .select_from(thread_member.join(message, root))
        .where(
            member.c.role.is_not(None),
            thread_member.c.user_id == member.c.user_id,
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


def room_of(row: Row[*tuple[Any, ...]]) -> Room:
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


_GIVEN = func.json_each(bindparam("viewers", type_=Text)).table_valued("value")
_OF_SQLITE = _of_members(member.c.user_id.in_(select(_GIVEN.c.value)))
_OF_POSTGRES = _of_members(member.c.user_id == any_(bindparam("viewers", type_=ARRAY(Text))))
SEEN = _seen()
"""All rooms through the eyes of `viewer`, a value to be given; its rows are for `room_of`. Whoever asks narrows it."""
