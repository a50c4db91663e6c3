"""The store of one gateway, wired as app.py does it, with verbs for what people do."""

import asyncio
import sqlite3
import sys
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, closing
from typing import Any, Self, TypeVar

import asyncpg
from typing_extensions import override

from chat_gateway.core.changes import Applied, Change, Create, Join, Leave, OpenDirect, Outcome, Post, Remove, SetMarker
from chat_gateway.core.directs import direct_room
from chat_gateway.core.entries import Entry
from chat_gateway.core.ids import ClientId, EntryId, LogId, RoomId, UserId
from chat_gateway.core.rooms import RoomKind
from chat_gateway.store.append_postgres import PostgresAppender
from chat_gateway.store.append_sqlite import SqliteAppender
from chat_gateway.store.appender import Appender, NotCommitted, OutcomeUnknown
from chat_gateway.store.database import Database, sqlite_path
from chat_gateway.store.group_commit import GroupCommit
from chat_gateway.store.people import People
from chat_gateway.store.room_log import RoomLog
from chat_gateway.store.rooms import Rooms
from chat_gateway.store.snapshots import Snapshots
from chat_gateway.store.sqlite_writer import SqliteWriter
from shared.errors import AppError
from shared.locks import exclusive

C = TypeVar("C", bound=Change)

LOBBY = RoomId("lobby")


def entry_id() -> EntryId:
    return EntryId(str(uuid.uuid4()))


def client_id() -> ClientId:
    return ClientId(str(uuid.uuid4()))


def post(user: str, body: str = "hello", room: str = LOBBY, cid: str | None = None) -> Post:
    return Post(
        id=entry_id(),
        room=RoomId(room),
        author=UserId(user),
        client_id=ClientId(cid or client_id()),
        content=f'{{"body":"{body}"}}',
    )


def create(user: str, name: str = "den", kind: RoomKind = "public", cid: str | None = None) -> Create:
    own = ClientId(cid or client_id())
    room = RoomId(str(uuid.uuid5(uuid.NAMESPACE_OID, f"{user} {own}")))
    return Create(id=entry_id(), room=room, author=UserId(user), client_id=own, name=name, kind=kind)


def join(user: str, room: str = LOBBY, cid: str | None = None) -> Join:
    return Join(id=entry_id(), room=RoomId(room), author=UserId(user), client_id=ClientId(cid or client_id()))


def leave(user: str, room: str = LOBBY, cid: str | None = None) -> Leave:
    return Leave(id=entry_id(), room=RoomId(room), author=UserId(user), client_id=ClientId(cid or client_id()))


def remove(user: str, subject: str, room: str = LOBBY, cid: str | None = None) -> Remove:
    return Remove(
        id=entry_id(),
        room=RoomId(room),
        author=UserId(user),
        client_id=ClientId(cid or client_id()),
        subject=UserId(subject),
    )


def set_marker(user: str, offset: int, room: str = LOBBY, cid: str | None = None) -> SetMarker:
    return SetMarker(
        id=entry_id(), room=RoomId(room), author=UserId(user), client_id=ClientId(cid or client_id()), offset=offset
    )


def change(kind: type[C], user: str, room: str = LOBBY, cid: str | None = None, **fields: Any) -> C:
    """Make a change of any kind."""
    own = ClientId(cid or client_id())
    return kind(id=entry_id(), room=RoomId(room), author=UserId(user), client_id=own, **fields)


def direct(user: str, *others: str, cid: str | None = None) -> OpenDirect:
    people = tuple(UserId(one) for one in sorted({user, *others}))
    return change(OpenDirect, user, direct_room(people), cid, people=people)


def appender_of(database: Database, patience_seconds: float = 2.0) -> Appender:
    if database.writer:
        return SqliteAppender(database.writer)
    return PostgresAppender(database.url, patience_seconds=patience_seconds)


class LossyAppender(Appender):
    """The real appender behind a link that loses calls, answers and connections when told to."""

    def __init__(self, real: Appender) -> None:
        self._real = real
        self.calls_to_lose = self.answers_to_lose = self.look_ups_to_fail = self.attempts = 0
        self.is_away = False

    @override
    async def connect(self) -> None:
        if self.is_away:
            self.attempts += 1
            raise NotCommitted("away")
        await self._real.connect()

    @override
    async def apply(self, batch: Sequence[Change]) -> tuple[str, list[Outcome]]:
        if self.calls_to_lose:
            self.calls_to_lose -= 1
            raise OutcomeUnknown("lost before")
        answer = await self._real.apply(batch)
        if self.answers_to_lose:
            self.answers_to_lose -= 1
            raise OutcomeUnknown("lost after")
        return answer

    @override
    async def find(self, batch: Sequence[Change]) -> tuple[str, list[Applied | None]]:
        if self.look_ups_to_fail:
            self.look_ups_to_fail -= 1
            raise NotCommitted("away")
        return await self._real.find(batch)

    @override
    async def close(self) -> None:
        await self._real.close()


class Gateway:
    """An async context manager: the commit queue runs inside of it."""

    def __init__(self, url: str, *, patience_seconds: float = 2.0, faulty: bool = False, **limits: int) -> None:
        self.url = url
        self.database = Database(url, patience_seconds=patience_seconds, read_seconds=10.0)
        self.appender = appender_of(self.database, patience_seconds)
        if faulty:
            self.appender = LossyAppender(self.appender)
        self.published: list[tuple[LogId, str, list[Entry]]] = []
        self.log = GroupCommit(self.appender, self._publish, patience_seconds=patience_seconds, **limits)
        self.rooms = Rooms(self.database)
        self.room_log = RoomLog(self.database)
        self.people = People(self.database)
        self.snapshots = Snapshots(self.database)

    async def __aenter__(self) -> Self:
        await self.database.check()
        self._running = asyncio.ensure_future(self.log.run())
        return self

    async def __aexit__(self, *_exception: object) -> None:
        self.log.close()
        await self._running
        await self.appender.close()
        await self.database.close()

    def _publish(self, log: LogId, epoch: str, entries: Sequence[Entry]) -> None:
        self.published.append((log, epoch, list(entries)))

    async def post(self, user: str, body: str = "hello", room: str = LOBBY, cid: str | None = None) -> Applied:
        return await self.log.append(post(user, body, room, cid))

    async def join(self, user: str, room: str = LOBBY) -> Applied:
        return await self.log.append(join(user, room))

    async def create(self, user: str, name: str = "den", kind: RoomKind = "public") -> RoomId:
        change = create(user, name, kind)
        await self.log.append(change)
        return change.room

    def offsets(self, log: str) -> list[int]:
        return [entry.offset for name, _, entries in self.published if name == log for entry in entries]


class Holder:
    """Holds the lock a post to the lobby needs, in a transaction in which it can write."""

    def __init__(self, execute: Callable[[str], Awaitable[object]]) -> None:
        self.execute = execute


@asynccontextmanager
async def held_lock(url: str) -> AsyncIterator[Holder]:
    """Hold the lobby's lock as another gateway would; what was executed is committed at the end."""
    path = sqlite_path(url)
    if path is None:
        connection = await asyncpg.connect(url)
        async with connection.transaction():
            await connection.execute("SELECT FROM log WHERE id = 'room:lobby' FOR NO KEY UPDATE")
            yield Holder(connection.execute)
        await connection.close()
        return
    with exclusive(path):
        database = sqlite3.connect(path, isolation_level=None)
        database.execute("BEGIN IMMEDIATE")

        async def execute(sql: str) -> object:
            return database.execute(sql)

        yield Holder(execute)
        database.execute("COMMIT")
        database.close()


async def rows(url: str, sql: str) -> list[tuple[Any, ...]]:
    """Read with a connection of its own."""
    path = sqlite_path(url)
    if path is None:
        connection = await asyncpg.connect(url)
        try:
            return [tuple(row) for row in await connection.fetch(sql)]
        finally:
            await connection.close()
    database = sqlite3.connect(path, timeout=5)
    try:
        return database.execute(sql).fetchall()
    finally:
        database.close()


async def execute(url: str, sql: str) -> None:
    """Write past all rules, to arrange what a test needs."""
    path = sqlite_path(url)
    if path is None:
        connection = await asyncpg.connect(url)
        try:
            await connection.execute(sql)
        finally:
            await connection.close()
        return
    with exclusive(path), closing(sqlite3.connect(path)) as database, database:
        database.execute(sql)


async def until(condition: Callable[[], bool | Awaitable[bool]]) -> None:
    """Poll for what the database or another process is to do."""
    async with asyncio.timeout(10):
        while True:
            met = condition()
            if met is True or (not isinstance(met, bool) and await met):
                return
            await asyncio.sleep(0.005)


async def has_no_gap(url: str) -> bool:
    """Tell whether every log's head, count and greatest offset agree, and its running count as well."""
    broken = await rows(
        url,
        "SELECT log.id FROM log LEFT JOIN entry ON entry.log_id = log.id GROUP BY log.id, log.head, log.posts"
        ' HAVING log.head <> count(entry.id) OR log.head <> coalesce(max(entry."offset"), 0)'
        " OR log.posts <> coalesce(max(entry.posts), 0)"
        " OR log.posts <> coalesce(sum(CASE WHEN entry.kind = 1 AND entry.thread IS NULL THEN 1 ELSE 0 END), 0)",
    )
    return not broken


def codes(results: Sequence[Applied | BaseException | None]) -> list[str]:
    return [result.code if isinstance(result, AppError) else "ok" for result in results]


async def begun(gateway: Gateway) -> None:
    """Wait until what is queued has been handed to the database, where the lock is held."""
    await until(lambda: not gateway.log._queue)
    writer = gateway.database.writer
    await until((lambda: _waits_for_file(writer)) if writer else (lambda: _has_waiter(gateway)))


def _waits_for_file(writer: SqliteWriter) -> bool:
    """Tell whether the writer's thread stands before the file lock: who stands there first gets it first."""
    frames = [sys._current_frames().get(thread.ident or 0) for thread in writer._thread._threads]
    return any(frame is not None and frame.f_code.co_name == exclusive.__name__ for frame in frames)


async def _has_waiter(gateway: Gateway) -> bool:
    pid = gateway.appender._session[0]  # type: ignore[attr-defined]
    sql = f"SELECT 1 FROM pg_stat_activity WHERE pid = {pid} AND wait_event_type = 'Lock'"
    return bool(await rows(gateway.url, sql))


def lossy(gateway: Gateway) -> LossyAppender:
    assert isinstance(gateway.appender, LossyAppender)
    return gateway.appender
