"""The chat over a real store: what people do, without sockets. `relayed` is what was handed on after each commit."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from chat_gateway.assembly import appender_of, chat_of
from chat_gateway.core.chat import Chat
from chat_gateway.core.entries import Entry
from chat_gateway.core.ids import LogId, UserId
from chat_gateway.store.database import Database
from chat_gateway.store.group_commit import GroupCommit

ADA = UserId("ada")
BOB = UserId("bob")


@pytest.fixture
def relayed() -> list[tuple[LogId, Sequence[Entry]]]:
    return []


@asynccontextmanager
async def running(url: str, relayed: list[tuple[LogId, Sequence[Entry]]]) -> AsyncIterator[Chat]:
    database = Database(url, read_seconds=10.0)  # a busy disk must not look like a slow query
    appender = appender_of(database)
    commit = GroupCommit(appender, lambda log, _epoch, entries: relayed.append((log, entries)))
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(commit.run())
        yield chat_of(database, commit)
        commit.close()
    await appender.close()
    await database.close()


@pytest.fixture
async def chat(url: str, relayed: list[tuple[LogId, Sequence[Entry]]]) -> AsyncIterator[Chat]:
    async with running(url, relayed) as chat:
        yield chat


@pytest.fixture
async def other_chat(url: str) -> AsyncIterator[Chat]:
    """The same database through another gateway."""
    async with running(url, []) as chat:
        yield chat
