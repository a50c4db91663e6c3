"""Presences of several instances on one database of people and rooms, and a Redis database of the test's own."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any
from urllib.parse import urlsplit

import pytest
from redis.asyncio import Redis

from chat_gateway.store.database import Database
from chat_gateway.store.memberships import Memberships
from tests.faults import TcpProxy, eventually, tcp_proxy
from tests.integration.chat_gateway.presence.parts import Part
from tests.integration.chat_gateway.store.gateway import execute

ROOM = "den"
MEMBERS = ("ann", "bob", "cy")

RunPart = Callable[..., Awaitable[Part]]


@pytest.fixture
async def redis(valkey_url: str) -> AsyncIterator[Redis]:
    async with Redis.from_url(f"{valkey_url.removesuffix('/0')}/7", decode_responses=True) as client:
        await client.flushdb()
        yield client


@pytest.fixture
def redis_url(redis: Redis, valkey_url: str) -> str:
    return f"{valkey_url.removesuffix('/0')}/7"


@pytest.fixture
async def proxy(redis_url: str) -> AsyncIterator[TcpProxy]:
    parts = urlsplit(redis_url)
    assert parts.hostname
    assert parts.port
    async with tcp_proxy(parts.hostname, parts.port) as running:
        yield running


@pytest.fixture
def proxy_url(proxy: TcpProxy) -> str:
    return f"redis://127.0.0.1:{proxy.port}/7"


@pytest.fixture
async def database(sqlite_url: str) -> AsyncIterator[Database]:
    """Ann, Bob and Cy are members of the room, Dan was one."""
    await let_in(sqlite_url, ROOM, *MEMBERS)
    await execute(
        sqlite_url, f"INSERT INTO member (room_id, user_id, role, status) VALUES ('{ROOM}', 'dan', 'member', 'left')"
    )
    opened = Database(sqlite_url)
    yield opened
    await opened.close()


@pytest.fixture
def memberships(database: Database) -> Memberships:
    return Memberships(database)


@pytest.fixture
async def run_part(memberships: Memberships, redis_url: str) -> AsyncIterator[RunPart]:
    """Runs one, and waits until it knows who is online; it is killed at the end of the test."""
    async with AsyncExitStack() as stack:

        async def run(name: str, *, redis: str = redis_url, **options: Any) -> Part:
            part = await stack.enter_async_context(Part(name, memberships, redis, **options))
            await eventually(lambda: part.is_known)
            return part

        yield run


async def let_in(url: str, room: str, *users: str) -> None:
    """Make a room with these members, without the entries that would say so."""
    await execute(url, f"INSERT INTO log (id, head) VALUES ('room:{room}', 10)")
    await execute(
        url,
        f"INSERT INTO room (id, name, kind, created_at, created_by, members)"
        f" VALUES ('{room}', '{room}', 'private', 0, 'ann', {len(users)})",
    )
    rows = ", ".join(f"('{room}', '{one}', 'member', 'joined')" for one in users)
    await execute(url, f"INSERT INTO member (room_id, user_id, role, status) VALUES {rows}")


async def pause() -> None:
    """Let some steps of the short times pass, in which nothing is to happen."""
    await asyncio.sleep(0.05)
