import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import aiohttp
import pytest
import structlog

from chat_gateway.changes import ChangesFeed
from chat_gateway.core.ids import UserId
from chat_gateway.core.people import Person
from chat_gateway.store.database import Database
from tests.faults import eventually, tcp_proxy
from tests.integration.chat_gateway.auth import INTERNAL_KEY, Auth
from tests.integration.chat_gateway.feed_setting import QUICK, Projection, Setting


@asynccontextmanager
async def running(feed: ChangesFeed) -> AsyncIterator[ChangesFeed]:
    task = asyncio.create_task(feed.run())
    try:
        yield feed
    finally:
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


@pytest.fixture
async def people(sqlite_url: str) -> AsyncIterator[Projection]:
    database = Database(sqlite_url)
    yield Projection(database)
    await database.close()


@pytest.fixture
async def setting(people: Projection) -> AsyncIterator[Setting]:
    auth = Auth()
    async with auth.served() as port, tcp_proxy("127.0.0.1", port) as proxy, aiohttp.ClientSession() as session:
        yield Setting(auth, proxy, session, people)


async def test_the_whole_feed_is_read_at_the_start_page_by_page(setting: Setting) -> None:
    for n in range(1, 8):
        setting.rows.user(n, f"u{n}", f"name {n}")
    setting.rows.session(8, "s1")
    setting.rows.add(n=9, kind="keys", version=9)
    feed = setting.feed()
    assert not feed.caught_up
    async with running(feed):
        await eventually(lambda: feed.caught_up)
    users = [f"u{n}" for n in range(1, 8)]
    assert await setting.people.names(*users) == {f"u{n}": f"name {n}" for n in range(1, 8)}
    assert (setting.revoked, setting.versions) == (["s1"], [9])
    assert await setting.people.cursor() == 9
    assert setting.rows.asked == [0, 3, 6]
    assert [person.id for person in setting.seen] == [f"u{n}" for n in range(1, 8)]


async def test_people_below_the_stored_cursor_are_not_written_again_but_revocations_are_heard(setting: Setting) -> None:
    await setting.people.apply_feed([], 2)
    setting.rows.user(1, "u1")
    setting.rows.session(2, "s1")
    setting.rows.user(3, "u3")
    async with running(setting.feed()) as feed:
        await eventually(lambda: feed.caught_up)
    assert [person.id for person in setting.seen] == ["u3"]
    assert list(await setting.people.names("u1", "u3")) == ["u3"]
    assert setting.revoked == ["s1"]


async def test_a_stored_cursor_never_moves_back(setting: Setting) -> None:
    await setting.people.apply_feed([], 100)
    for n in range(1, 8):
        setting.rows.session(n, f"s{n}")
    async with running(setting.feed()) as feed:
        await eventually(lambda: feed.caught_up)
    assert (setting.people.applied, await setting.people.cursor(), len(setting.revoked)) == ([100], 100, 7)


async def test_the_revocations_of_a_page_are_heard_at_once(setting: Setting) -> None:
    """All connections are looked through each time: a thousand times for a thousand revocations would take a second."""
    for n in range(1, 6):
        setting.rows.session(n, f"s{n}")
    async with running(setting.feed()) as feed:
        await eventually(lambda: feed.caught_up)
        assert await feed.look_soon()
    assert setting.revoked_at_once == [3, 2]


async def test_an_empty_feed_is_caught_up_with(setting: Setting) -> None:
    async with running(setting.feed()) as feed:
        await eventually(lambda: feed.caught_up)
    assert setting.rows.asked == [0]


async def test_a_ring_makes_it_look_and_rows_are_heard_once(setting: Setting) -> None:
    setting.rows.session(1, "s1")
    async with running(setting.feed()) as feed:
        await eventually(lambda: feed.caught_up)
        setting.rows.session(2, "s2")
        feed.ring()
        await eventually(lambda: setting.revoked == ["s1", "s2"])
    assert setting.rows.asked == [0, 1]


async def test_a_ring_while_looking_makes_it_look_again(setting: Setting) -> None:
    async with running(setting.feed()) as feed:
        setting.auth.answers.clear()
        await asyncio.sleep(0)
        feed.ring()
        setting.auth.answers.set()
        await eventually(lambda: feed.caught_up)
        setting.auth.answers.clear()
        feed.ring()
        looking = asyncio.create_task(feed.look_soon())
        setting.rows.session(1, "s1")
        setting.auth.answers.set()
        assert await looking
        assert setting.revoked == ["s1"]


async def test_without_any_ring_it_looks_by_itself(setting: Setting) -> None:
    async with running(setting.feed(QUICK._replace(interval=0.01))):
        await eventually(lambda: len(setting.rows.asked) > 3)
        setting.rows.session(1, "s1")
        await eventually(lambda: setting.revoked)


async def test_somebody_deleted_or_disabled_is_disabled_here(setting: Setting) -> None:
    setting.rows.user(1, "gone", deleted=True)
    setting.rows.user(2, "barred", "dog2", disabled=True)
    async with running(setting.feed()) as feed:
        await eventually(lambda: feed.caught_up)
    assert {person.id: person for person in await setting.people.get([UserId("gone"), UserId("barred")])} == {
        "gone": Person(id=UserId("gone"), name="", disabled=True),
        "barred": Person(id=UserId("barred"), name="dog2", disabled=True),
    }


async def test_a_key_version_is_told_once(setting: Setting) -> None:
    setting.rows.add(n=1, kind="keys", version=5)
    async with running(setting.feed()) as feed:
        await eventually(lambda: feed.caught_up)
        setting.rows.add(n=2, kind="keys", version=5)
        setting.rows.add(n=3, kind="keys", version=6)
        assert await feed.look_soon()
    assert setting.versions == [5, 6]


async def test_kinds_and_fields_of_a_newer_auth_are_passed_over(setting: Setting) -> None:
    setting.rows.add(n=1, kind="avatar", id="x", size=3)
    setting.rows.session(2, "s1")
    async with running(setting.feed()) as feed:
        await eventually(lambda: feed.caught_up)
    assert setting.revoked == ["s1"]


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (503, None),
        (401, None),
        (302, b""),
        (200, b"junk"),
        (200, b'{"changes":[],"next":0,"more":true}'),
    ],
    ids=str,
)
async def test_a_bad_answer_is_asked_again_and_logged_once(setting: Setting, status: int, body: bytes | None) -> None:
    setting.rows.session(1, "s1")
    setting.auth.status, setting.auth.body = status, body
    with structlog.testing.capture_logs() as logs:
        async with running(setting.feed()) as feed:
            await eventually(lambda: len(setting.rows.asked) > 3)
            assert not feed.caught_up
            setting.auth.status, setting.auth.body = 200, None
            await eventually(lambda: feed.caught_up)
    assert setting.revoked == ["s1"]
    assert [line["event"] for line in logs] == ["changes.not_read"]
    assert INTERNAL_KEY not in str(logs)


async def test_auth_cut_off_and_back_is_caught_up_with(setting: Setting) -> None:
    async with running(setting.feed()) as feed:
        await eventually(lambda: feed.caught_up)
        setting.proxy.cut()
        setting.rows.session(1, "s1")
        assert not await feed.look_soon()
        setting.proxy.heal()
        await eventually(lambda: setting.revoked == ["s1"])


@pytest.mark.parametrize(("longest_at_start", "rings"), [(1000, 20), (0.02, 0)])
async def test_neither_rings_nor_a_long_start_make_it_slow(
    setting: Setting, longest_at_start: float, rings: int
) -> None:
    setting.proxy.cut()
    times = QUICK._replace(longest_retry=1000, longest_retry_at_start=longest_at_start)
    async with running(setting.feed(times)) as feed:
        for number in range(rings):
            await eventually(partial(lambda least: feed._looks_begun > least, number))
            feed.ring()
        await eventually(lambda: feed._looks_begun > 15)
        setting.proxy.heal()
        await eventually(lambda: feed.caught_up)


async def test_an_auth_that_hangs_is_given_up_and_asked_again(setting: Setting) -> None:
    setting.rows.session(1, "s1")
    setting.proxy.half_open()
    async with running(setting.feed(QUICK._replace(request=0.05))) as feed:
        await eventually(lambda: setting.proxy.connections_made > 1)
        assert not feed.caught_up
        setting.proxy.heal()
        await eventually(lambda: feed.caught_up)


async def test_a_database_that_is_down_stops_people_and_no_revocation(setting: Setting) -> None:
    async with running(setting.feed()) as feed:
        await eventually(lambda: feed.caught_up)
        setting.people.is_down = True
        for n in range(1, 6):
            setting.rows.user(n, f"u{n}")
        setting.rows.session(6, "s1")
        feed.ring()
        await eventually(lambda: setting.revoked)
        setting.rows.session(7, "s2")
        await eventually(lambda: setting.revoked == ["s1", "s2"])
        assert setting.seen == []
        setting.people.is_down = False
        await eventually(lambda: 7 in setting.people.applied)
    assert await setting.people.names("u1", "u5") == {"u1": "", "u5": ""}
    assert setting.revoked == ["s1", "s2"]


async def test_a_database_that_is_down_at_the_start_stops_no_revocation(setting: Setting) -> None:
    setting.people.is_down = True
    setting.rows.user(1, "u1")
    setting.rows.session(2, "s1")
    async with running(setting.feed()) as feed:
        await eventually(lambda: setting.revoked == ["s1"])
        assert not feed.caught_up
        setting.people.is_down = False
        await eventually(lambda: feed.caught_up)
    assert list(await setting.people.names("u1")) == ["u1"]


async def test_waiting_for_a_look_has_an_end(setting: Setting) -> None:
    setting.auth.answers.clear()
    async with running(setting.feed(QUICK._replace(patience=0.05, request=5))) as feed:
        assert not await feed.look_soon()
        setting.auth.answers.set()
