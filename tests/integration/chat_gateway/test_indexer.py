"""The index is kept by one gateway at a time, and by another when that one goes."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
from structlog.testing import capture_logs

from chat_gateway.indexer import Indexer, Times
from chat_gateway.store.database import Database
from chat_gateway.store.election import election
from chat_gateway.store.search_index import SearchIndex
from tests.integration.chat_gateway.store.gateway import Gateway, held_lock, rows, until

SOON = Times(breath=0.01, interval=0.05, candidate=0.05)
RARELY = Times(breath=0.01, interval=60.0, candidate=60.0)


@pytest.fixture
async def store(url: str) -> AsyncIterator[Gateway]:
    async with Gateway(url) as store:
        await store.join("ann")
        yield store


@asynccontextmanager
async def running(url: str, times: Times = SOON) -> AsyncIterator[Indexer]:
    database = Database(url, patience_seconds=0.2)
    one = Indexer(SearchIndex(database), election(database, "index", 4712), times)
    task = asyncio.ensure_future(one.run())
    try:
        yield one
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await database.close()


async def until_indexed(store: Gateway, count: int) -> None:
    async def is_indexed() -> bool:
        return await rows(store.url, "SELECT count(*) FROM search") == [(count,)]

    await until(is_indexed)


async def test_what_others_commit_is_found_by_looking(store: Gateway) -> None:
    async with running(store.url):
        await store.post("ann")
        await until_indexed(store, 1)
        await store.post("ann")
        await until_indexed(store, 2)


async def test_what_this_gateway_commits_is_indexed_without_waiting_for_the_next_look(store: Gateway) -> None:
    async with running(store.url, RARELY) as one:
        for count in (1, 2, 3):
            await store.post("ann")
            one.committed()
            await until_indexed(store, count)


async def test_another_takes_over_when_the_one_in_office_goes(store: Gateway) -> None:
    async with running(store.url):
        async with running(store.url):
            await store.post("ann")
            await until_indexed(store, 1)
        await store.post("ann")
        await until_indexed(store, 2)


async def test_it_goes_on_after_its_writes_were_refused(sqlite_url: str) -> None:
    async with Gateway(sqlite_url) as store:
        await store.join("ann")
        await store.post("ann")
        with capture_logs() as logs:
            async with AsyncExitStack() as stack:
                async with held_lock(sqlite_url):
                    await stack.enter_async_context(running(sqlite_url))
                    await until(lambda: paused(logs))
                await until_indexed(store, 1)


async def test_it_goes_on_after_its_session_was_ended(postgres_url: str) -> None:
    async with Gateway(postgres_url) as store, running(postgres_url):
        await store.join("ann")
        await store.post("ann")
        await until_indexed(store, 1)
        with capture_logs() as logs:
            await rows(postgres_url, "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'")
            await until(lambda: paused(logs))
        await store.post("ann")
        await until_indexed(store, 2)


def paused(logs: Sequence[Mapping[str, object]]) -> bool:
    return any(line["event"] == "indexer.paused" for line in logs)


async def test_its_end_is_not_lost_in_a_commit_of_the_same_moment(sqlite_url: str) -> None:
    async with Gateway(sqlite_url) as store:
        await store.join("ann")
        await store.post("ann")
        database = Database(sqlite_url)
        one = Indexer(SearchIndex(database), election(database, "index", 4712), RARELY)
        task = asyncio.ensure_future(one.run())
        await until_indexed(store, 1)
        await until(lambda: bool(one._committed._waiters))  # it waits: no other sign of that is to be seen
        one.committed()
        task.cancel()
        done, _ = await asyncio.wait({task}, timeout=3)
        task.cancel()
        await database.close()
    assert done == {task}
