"""What an administrator of the machine may see: every room, who is in charge of it, and what was reported."""

from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Row, Select, and_, func, select

from chat_gateway.core.ids import RoomId, UserId
from chat_gateway.core.rooms import RoomKind
from chat_gateway.store.database import Database
from chat_gateway.store.tables import entry, log, member, message, person, report, room


class RoomLine(msgspec.Struct, frozen=True, kw_only=True):
    """`messages` without those in threads; `last_at` when anything last happened in the room."""

    id: RoomId
    name: str
    kind: RoomKind
    topic: str
    read_only: bool
    archived: bool
    members: int
    messages: int
    head: int
    created_at: int
    last_at: int


class Keeper(msgspec.Struct, frozen=True, kw_only=True):
    """An owner or admin of a room; the name is empty where the person is not known."""

    user: UserId
    name: str
    role: str


class ReportLine(msgspec.Struct, frozen=True, kw_only=True):
    """`content` is the entry's, `body` the text after edits, if there were any; scrubbed where it was deleted."""

    at: int
    room: RoomId
    room_name: str
    offset: int
    author: str
    author_name: str
    content: str
    body: str | None
    reporter: str
    reporter_name: str
    reason: str


class Oversight:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def rooms(self, *, direct: bool, after: str = "", limit: int = 500) -> list[RoomLine]:
        """Read a page of rooms by id. Direct ones, of which there may be as many as pairs of people, only if asked."""
        query = _room_lines().where(room.c.id > after).order_by(room.c.id).limit(limit)
        if not direct:
            query = query.where(room.c.kind != "direct")
        async with self._database.statement() as connection:
            return [_line(row) for row in await connection.execute(query)]

    async def find(self, room_id: RoomId) -> tuple[RoomLine, list[Keeper]] | None:
        in_charge = (
            select(member.c.user_id, member.c.role, func.coalesce(person.c.name, "").label("name"))
            .select_from(member.outerjoin(person, person.c.id == member.c.user_id))
            .where(member.c.room_id == room_id, member.c.status == "joined", member.c.role != "member")
            .order_by(member.c.role.desc(), member.c.user_id)
        )
        async with self._database.snapshot() as connection:
            row = (await connection.execute(_room_lines().where(room.c.id == room_id))).one_or_none()
            if row is None:
                return None
            keepers = [
                Keeper(user=UserId(keeper.user_id), name=keeper.name, role=keeper.role)
                for keeper in await connection.execute(in_charge)
            ]
        return _line(row), keepers

    async def reports(self, *, limit: int) -> list[ReportLine]:
        """Read the newest reports first."""
        author, reporter = person.alias("author_person"), person.alias("reporter_person")
        at = and_(entry.c.log_id == "room:" + report.c.room_id, entry.c.offset == report.c.offset)
        state = and_(message.c.room_id == report.c.room_id, message.c.offset == report.c.offset)
        query = (
            select(
                report.c.at,
                report.c.room_id.label("room"),
                _or_empty(room.c.name, "room_name"),
                report.c.offset,
                _or_empty(entry.c.author, "author"),
                _or_empty(author.c.name, "author_name"),
                _or_empty(entry.c.content, "content"),
                message.c.body,
                report.c.reporter,
                _or_empty(reporter.c.name, "reporter_name"),
                report.c.reason,
            )
            .select_from(
                report.outerjoin(room, room.c.id == report.c.room_id)
                .outerjoin(entry, at)
                .outerjoin(message, state)
                .outerjoin(author, author.c.id == entry.c.author)
                .outerjoin(reporter, reporter.c.id == report.c.reporter)
            )
            .order_by(report.c.at.desc(), report.c.id.desc())
            .limit(limit)
        )
        async with self._database.statement() as connection:
            return [ReportLine(**row._mapping) for row in await connection.execute(query)]  # noqa: SLF001 - its API


def _or_empty(column: ColumnElement[Any], name: str) -> ColumnElement[str]:
    return func.coalesce(column, "").label(name)


def _room_lines() -> Select[Any]:
    last = and_(entry.c.log_id == log.c.id, entry.c.offset == log.c.head)
    return select(
        room.c.id,
        room.c.name,
        room.c.kind,
        room.c.topic,
        room.c.read_only,
        room.c.archived,
        room.c.members,
        log.c.posts.label("messages"),
        log.c.head,
        room.c.created_at,
        func.coalesce(entry.c.at, room.c.created_at).label("last_at"),
    ).select_from(room.join(log, log.c.id == "room:" + room.c.id).outerjoin(entry, last))


def _line(row: Row[Any]) -> RoomLine:
    return RoomLine(**row._mapping)  # noqa: SLF001 - its API
