"""The index is kept by one gateway at a time, and by another when that one goes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from chat_gateway.core.errors import store_unavailable
from chat_gateway.indexer import Indexer, Times
from chat_gateway.store.database import Database
from chat_gateway.store.election import election
from chat_gateway.store.search_index import SearchIndex
from tests.integration.chat_gateway.store.gateway import Gateway, rows, until

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


async def test_it_goes_on_after_the_database_was_away(store: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(store.url) as one:
        refused = asyncio.Event()
        catch_up = one._index.catch_up

        async def refuse_once() -> bool:
            monkeypatch.setattr(one._index, "catch_up", catch_up)
            refused.set()
            raise store_unavailable()

        monkeypatch.setattr(one._index, "catch_up", refuse_once)
        await store.post("ann")
        await refused.wait()
        await until_indexed(store, 1)
