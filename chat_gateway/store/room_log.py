"""Reading the logs: pages of history for people, heads and missing publications for the engine."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import Row, Select, select, text, true
from sqlalchemy.ext.asyncio import AsyncConnection
from typing_extensions import override

from chat_gateway.core import ports
from chat_gateway.core.entries import Entry
from chat_gateway.core.errors import message_not_found, not_a_thread_root
from chat_gateway.core.history import Item, Revision, ThreadView
from chat_gateway.core.ids import ClientId, EntryId, LogId, RoomId, UserId, room_log
from chat_gateway.publications import publication_of
from chat_gateway.realtime.ports import ChannelLog
from chat_gateway.realtime.publication import Position, Publication
from chat_gateway.store.database import Database
from chat_gateway.store.message_items import MessageItems
from chat_gateway.store.tables import entry, epoch, log, member, message, revision, thread_member

_EPOCH = select(epoch.c.epoch).scalar_subquery().label("epoch")


class RoomLog(ports.History, ChannelLog):
    def __init__(self, database: Database) -> None:
        self._database = database

    @override
    async def page(
        self, room: RoomId, viewer: UserId, *, after: int | None = None, before: int | None = None, limit: int
    ) -> ports.Page | None:
        query = _paged(select(entry).where(entry.c.log_id == room_log(room)), after, before, limit)
        async with self._database.snapshot() as connection:
            seen = (await connection.execute(_seen_by(room, viewer))).one_or_none()
            if seen is None:
                return None
            entries = [entry_of(row) for row in await connection.execute(query)]
            items = await self._items(connection).of(sorted(entries, key=lambda one: one.offset))
        return ports.Page(items=tuple(items), head=seen.head, epoch=seen.epoch)

    @override
    async def pinned(self, room: RoomId, viewer: UserId) -> ports.Page | None:
        pinned = select(message.c.offset).where(message.c.room_id == room, message.c.pinned_at > 0)
        async with self._database.snapshot() as connection:
            seen = (await connection.execute(_seen_by(room, viewer))).one_or_none()
            if seen is None:
                return None
            offsets = (await connection.execute(pinned.order_by(message.c.offset))).scalars()
            reader = self._items(connection)
            rows = await reader.posted(viewer, [(room, offset) for offset in offsets])
            items = await reader.of(sorted((entry_of(row) for row in rows), key=lambda one: one.offset))
        return ports.Page(items=tuple(items), head=seen.head, epoch=seen.epoch)

    @override
    async def thread(
        self,
        room: RoomId,
        viewer: UserId,
        root: EntryId,
        *,
        after: int | None = None,
        before: int | None = None,
        limit: int,
    ) -> ThreadView | None:
        replies = select(entry).where(entry.c.thread == root)
        async with self._database.snapshot() as connection:
            seen = (await connection.execute(_seen_by(room, viewer))).one_or_none()
            if seen is None:
                return None
            first = await _message(connection, room, root)
            if first.thread is not None:
                raise not_a_thread_root()
            rows = await connection.execute(_paged(replies, after, before, limit))
            found = sorted((entry_of(row) for row in rows), key=lambda one: one.offset)
            top, *items = await self._items(connection).of([first, *found])
            mine = (await connection.execute(_thread_of(room, viewer, first.offset))).one_or_none()
        posts = top.state.thread.posts if top.state and top.state.thread else 0
        return ThreadView(
            root=top,
            items=tuple(items),
            follows=bool(mine and mine.follows),
            muted=bool(mine and mine.muted),
            marker=mine.marker if mine else 0,
            posts=posts,
            unread=posts - (mine.marker_posts if mine else 0),
            head=seen.head,
            epoch=seen.epoch,
        )

    @override
    async def revisions(self, room: RoomId, viewer: UserId, message_id: EntryId) -> list[Revision] | None:
        async with self._database.snapshot() as connection:
            if (await connection.execute(_seen_by(room, viewer))).one_or_none() is None:
                return None
            item = (await self._items(connection).of([await _message(connection, room, message_id)]))[0]
            if item.deleted:
                raise message_not_found()
            of_message = (revision.c.room_id == room) & (revision.c.message == item.entry.offset)
            rows = await connection.execute(select(revision).where(of_message).order_by(revision.c.n))
            return [Revision(row.n, row.at, row.body) for row in rows]

    @override
    async def messages(
        self, viewer: UserId, positions: Collection[tuple[RoomId, int]]
    ) -> dict[tuple[RoomId, int], Item]:
        async with self._database.snapshot() as connection:
            reader = self._items(connection)
            rows = await reader.posted(viewer, list(positions))
            items = await reader.of([entry_of(row) for row in rows])
        return {
            (RoomId(item.entry.log.removeprefix("room:")), item.entry.offset): item
            for item in items
            if not item.deleted
        }

    def _items(self, connection: AsyncConnection) -> MessageItems:
        return MessageItems(connection, is_postgres=self._database.is_postgres)

    @override
    async def heads(self, channels: Collection[str]) -> dict[str, Position]:
        query = select(log.c.id, log.c.head, _EPOCH).where(self._database.among(log.c.id, channels))
        async with self._database.statement() as connection:
            rows = await connection.execute(query)
            return {row.id: Position(row.head, row.epoch) for row in rows}

    @override
    async def read(self, channel: str, *, after: int, limit: int) -> tuple[str, list[Publication]]:
        missed = select(entry).where(entry.c.log_id == channel, entry.c.offset > after)
        found = missed.order_by(entry.c.offset).limit(limit).subquery()
        # One statement is one snapshot: the publications are of the epoch that stands beside them.
        query = select(epoch.c.epoch, found).select_from(epoch.outerjoin(found, true())).order_by(found.c.offset)
        async with self._database.statement() as connection:
            rows = (await connection.execute(query)).all()
        return rows[0].epoch, [publication_of(entry_of(row)) for row in rows if row.id is not None]


def _paged(query: Select[Any], after: int | None, before: int | None, limit: int) -> Select[Any]:
    """Take the oldest above `after`, or the newest (below `before`)."""
    if before is not None:
        query = query.where(entry.c.offset < before)
    if after is not None:
        return query.where(entry.c.offset > after).order_by(entry.c.offset).limit(limit)
    return query.order_by(entry.c.offset.desc()).limit(limit)


async def _message(connection: AsyncConnection, room: RoomId, message_id: EntryId) -> Entry:
    """Find a message by its id alone: with the log beside it a plan may walk the whole log."""
    posted = (entry.c.id == message_id) & (entry.c.kind == text("1"))
    for row in await connection.execute(select(entry).where(posted)):
        if row.log_id == room_log(room):
            return entry_of(row)
    raise message_not_found()


def _thread_of(room: RoomId, viewer: UserId, root: int) -> Select[Any]:
    mine = (thread_member.c.user_id == viewer) & (thread_member.c.room_id == room) & (thread_member.c.root == root)
    return select(thread_member).where(mine)


def _seen_by(room: RoomId, viewer: UserId) -> Select[Any]:
    """Make the query for a room's head and the epoch, which has no row for one who is no member."""
    joined = (member.c.room_id == room) & (member.c.user_id == viewer) & (member.c.status == "joined")
    return select(log.c.head, _EPOCH).select_from(log.join(member, joined)).where(log.c.id == room_log(room))


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
        thread=None if row.thread is None else EntryId(row.thread),
        thread_posts=row.thread_posts,
    )
