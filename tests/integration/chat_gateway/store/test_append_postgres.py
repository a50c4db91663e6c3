"""What only PostgreSQL can do to us: lost sessions, restarts, hung servers, cached plans."""

import asyncio
from collections.abc import Iterator

import msgspec
import pytest

from chat_gateway.core.changes import Applied, Change
from chat_gateway.core.ids import UserId
from chat_gateway.store.append_postgres import PostgresAppender
from chat_gateway.store.appender import NotCommitted, OutcomeUnknown
from chat_gateway.store.migrate import upgrade
from shared.errors import Unavailable
from tests.faults import tcp_proxy
from tests.integration.chat_gateway.store.gateway import (
    Gateway,
    execute,
    has_no_gap,
    held_lock,
    join,
    post,
    rows,
    until,
)
from tests.postgres import PostgresServer


@pytest.fixture
def own_server() -> Iterator[PostgresServer]:
    """A server of the test's own, which it may stop."""
    with PostgresServer() as server:
        yield server


async def test_a_session_killed_while_it_waits_has_written_nothing(postgres_url: str) -> None:
    async with Gateway(postgres_url) as gateway:
        await gateway.join("ann")
        async with held_lock(postgres_url):
            answer = gateway.log.append(post("ann"))
            waiting = "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
            await until(lambda: _any(postgres_url, waiting))
            await rows(postgres_url, f"SELECT pg_terminate_backend(pid) FROM ({waiting}) AS w")
            with pytest.raises(Unavailable):
                await answer
        assert (await gateway.post("ann")).offset == 2


async def test_a_server_that_went_while_nothing_was_written_refuses_what_comes_then(own_server: PostgresServer) -> None:
    url = own_server.create_database("chat")
    await asyncio.to_thread(upgrade, url)
    async with Gateway(url, patience_seconds=0.5) as gateway:
        await gateway.join("ann")
        await asyncio.to_thread(own_server.stop)
        with pytest.raises(Unavailable):
            await gateway.log.append(post("ann"))
        await asyncio.to_thread(own_server.start)
        assert (await gateway.post("ann")).offset == 2


async def test_a_server_that_restarts_loses_nothing_acknowledged(own_server: PostgresServer) -> None:
    url = own_server.create_database("chat")
    await asyncio.to_thread(upgrade, url)
    async with Gateway(url, patience_seconds=0.5) as gateway:
        await gateway.join("ann")
        answers = [gateway.log.append(post("ann", str(number))) for number in range(2_000)]
        await until(lambda: len(gateway.offsets("room:lobby")) > 300)
        await asyncio.to_thread(own_server.stop)
        refused = gateway.log.append(post("ann"))
        with pytest.raises(Unavailable):
            await refused
        with pytest.raises(Unavailable):
            await gateway.rooms.of_member("ann")  # type: ignore[arg-type]
        await asyncio.to_thread(own_server.start)
        results = await asyncio.gather(*answers, return_exceptions=True)
        acked = [result.offset for result in results if isinstance(result, Applied)]
        stored = {offset for (offset,) in await rows(url, 'SELECT "offset" FROM entry WHERE kind = 1')}
        assert set(acked) == stored
        assert sorted(gateway.offsets("room:lobby")) == [1, *sorted(stored)]
        assert (await gateway.post("ann")).offset == len(stored) + 2
        assert await has_no_gap(url)


async def test_an_answer_that_never_comes_is_looked_up_in_a_new_session(
    postgres_url: str, postgres_server: PostgresServer
) -> None:
    async with tcp_proxy("127.0.0.1", postgres_server.port) as proxy:
        url = postgres_url.replace(f":{postgres_server.port}/", f":{proxy.port}/")
        appender = PostgresAppender(url, patience_seconds=0.3)
        await appender.connect()
        await appender.apply([join("ann")])
        change = post("ann")
        async with held_lock(postgres_url):
            sending = asyncio.ensure_future(appender.apply([change]))
            waiting = "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
            await until(lambda: _any(postgres_url, waiting))
            proxy.half_open()
        with pytest.raises(OutcomeUnknown):
            await sending
        with pytest.raises(NotCommitted):
            await appender.find([change])
        with pytest.raises(NotCommitted):
            await appender.connect()
        proxy.heal()
        await appender.connect()
        _, (found,) = await appender.find([change])
        assert found is not None
        assert (found.offset, found.repeated) == (2, True)
        await appender.close()


async def test_a_session_of_unknown_outcome_cannot_write_after_the_look_up(postgres_url: str) -> None:
    """Cancelled while it waits for a lock: the server does not know, and would go on once it gets it."""
    appender = PostgresAppender(postgres_url, patience_seconds=5)
    await appender.connect()
    await appender.apply([join("ann")])
    change = post("ann")
    async with held_lock(postgres_url):
        sending = asyncio.ensure_future(appender.apply([change]))
        waiting = "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        await until(lambda: _any(postgres_url, waiting))
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
        await appender.connect()
        _, (found,) = await appender.find([change])
        assert found is None
    await appender.connect()
    _, (again,) = await appender.apply([post("ann")])
    assert isinstance(again, Applied)
    assert again.offset == 2
    await appender.close()


@pytest.mark.parametrize(("in_thread", "bound"), [(False, 5_000), (True, 15_000)])
async def test_plans_cached_on_an_empty_database_do_not_scan_a_big_one(
    postgres_url: str,
    in_thread: bool,  # noqa: FBT001
    bound: int,
) -> None:
    """A hundred posts; a single scan would read 30,000 rows. One in a thread reads about fifty, most by index."""
    appender = PostgresAppender(postgres_url)
    await appender.connect()
    await appender.apply([join("ann")])
    root = post("ann")
    await appender.apply([root])
    fields = {"thread": root.id, "mentions": (UserId("bob"),)} if in_thread else {}

    def batch() -> list[Change]:
        return [msgspec.structs.replace(post("ann", str(number)), **fields) for number in range(20)]

    for _ in range(8):
        await appender.apply(batch())
    await execute(
        postgres_url,
        "INSERT INTO log (id) SELECT 'room:' || n FROM generate_series(1, 30000) AS n;"
        "INSERT INTO room (id, name, kind, created_at, created_by)"
        " SELECT n, n, 'public', 1, 'x' FROM generate_series(1, 30000) AS n;"
        "INSERT INTO member (room_id, user_id, role, status)"
        " SELECT n, n, 'member', 'joined' FROM generate_series(1, 30000) AS n;"
        'INSERT INTO entry (log_id, "offset", kind, id, author, client_id, at, posts, content)'
        " SELECT 'room:' || n, 1, 1, n, n, n, 1, 1, '{}' FROM generate_series(1, 30000) AS n;"
        'INSERT INTO message (room_id, "offset") SELECT n, 1 FROM generate_series(1, 30000) AS n;'
        "INSERT INTO thread_member (user_id, room_id, root, follows)"
        " SELECT n, n, 1, true FROM generate_series(1, 30000) AS n;"
        'INSERT INTO mention (user_id, room_id, "offset", author)'
        " SELECT n, n, 1, n FROM generate_series(1, 30000) AS n;",
    )
    await appender.apply(batch())
    before = await _rows_read(postgres_url)
    for _ in range(5):
        await appender.apply(batch())
    await appender.close()
    await until(lambda: _session_gone(postgres_url))
    assert await _rows_read(postgres_url) - before < bound


async def _rows_read(url: str) -> int:
    await rows(url, "SELECT pg_stat_force_next_flush()")
    tables = "('log', 'room', 'member', 'entry', 'message', 'thread_member', 'mention')"
    sql = "SELECT sum(coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0)) FROM pg_stat_user_tables"
    index = "SELECT sum(idx_tup_read) FROM pg_stat_user_indexes"
    return sum([int((await rows(url, f"{one} WHERE relname IN {tables}"))[0][0]) for one in (sql, index)])


async def _session_gone(url: str) -> bool:
    sql = "SELECT 1 FROM pg_stat_activity WHERE application_name = 'parley-chat' AND datname = current_database()"
    return not await rows(url, sql)


async def _any(url: str, sql: str) -> bool:
    return bool(await rows(url, sql))
