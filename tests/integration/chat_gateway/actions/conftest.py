"""The chat over a real store: what people do, without sockets. `relayed` is what was handed on after each commit."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest
import uuid_utils

from chat_gateway.core.chat import Chat
from chat_gateway.core.entries import Entry
from chat_gateway.core.ids import EntryId, LogId, UserId
from chat_gateway.store.append_postgres import PostgresAppender
from chat_gateway.store.append_sqlite import SqliteAppender
from chat_gateway.store.database import Database
from chat_gateway.store.group_commit import GroupCommit
from chat_gateway.store.people import People
from chat_gateway.store.room_log import RoomLog
from chat_gateway.store.rooms import Rooms

ADA = UserId("ada")
BOB = UserId("bob")


@pytest.fixture
def relayed() -> list[tuple[LogId, Sequence[Entry]]]:
    return []


@pytest.fixture
async def chat(url: str, relayed: list[tuple[LogId, Sequence[Entry]]]) -> AsyncIterator[Chat]:
    database = Database(url)
    appender = SqliteAppender(database.writer) if database.writer else PostgresAppender(url)
    commit = GroupCommit(appender, lambda log, _epoch, entries: relayed.append((log, entries)))
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(commit.run())
        yield Chat(
            log=commit,
            rooms=Rooms(database),
            history=RoomLog(database),
            people=People(database),
            new_id=lambda: EntryId(str(uuid_utils.uuid7())),
        )
        commit.close()
    await appender.close()
    await database.close()
