import asyncio
import json
import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import structlog
from aiohttp import web
from aiohttp.test_utils import TestServer
from typing_extensions import override

from chat_gateway.changes import ChangesFeed, Times
from chat_gateway.core.ids import UserId
from chat_gateway.core.people import Person
from chat_gateway.store.database import Database
from chat_gateway.store.migrate import upgrade
from chat_gateway.store.people import People
from shared.errors import Unavailable
from tests.faults import TcpProxy, eventually, tcp_proxy

KEY = "k" * 32
QUICK = Times(interval=1000, retry=0.01, longest_retry=0.02, request=0.5, patience=0.5)


class Auth:
    """A little auth service: rows with rising numbers, served by the page like the real one."""

    def __init__(self, page_rows: int = 3) -> None:
        self.rows: list[dict[str, Any]] = []
        self.page_rows = page_rows
        self.asked: list[int] = []
        self.status = 200
        self.body: bytes | None = None
        self.answers = asyncio.Event()
        self.answers.set()

    def user(self, n: int, id_: str, name: str = "", **more: Any) -> None:
        self.add(n=n, kind="user", id=id_, name=name, picture="", **{"disabled": False, "deleted": False, **more})

    def session(self, n: int, id_: str) -> None:
        self.add(n=n, kind="session", id=id_, user="u")

    def add(self, **row: Any) -> None:
        self.rows.append(row)

    async def serve(self, request: web.Request) -> web.Response:
        assert request.headers["Authorization"] == f"Bearer {KEY}"
        after = int(request.query["after"])
        rows = [row for row in self.rows if row["n"] > after]
        shown = rows[: self.page_rows]
        page = {"changes": shown, "next": shown[-1]["n"] if shown else after, "more": len(rows) > len(shown)}
        await self.answers.wait()
        self.asked.append(after)
        body = json.dumps(page).encode() if self.body is None else self.body
        return web.Response(body=body, status=self.status, content_type="application/json")


class Projection(People):
    """The real one on SQLite, with a switch that takes the database away and a record of what was written."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.applied: list[int] = []
        self.is_down = False

    @override
    async def cursor(self) -> int:
        self._fail_if_down()
        return await super().cursor()

    @override
    async def apply_feed(self, people: Sequence[tuple[int, Person]], cursor: int) -> None:
        self._fail_if_down()
        await super().apply_feed(people, cursor)
        self.applied.append(cursor)

    async def names(self, *users: str) -> dict[str, str]:
        return {person.id: person.name for person in await self.get([UserId(user) for user in users])}

    def _fail_if_down(self) -> None:
        if self.is_down:
            raise Unavailable("store_unavailable", "The database does not answer.")


class Setting:
    def __init__(self, auth: Auth, port: int, session: aiohttp.ClientSession, people: Projection) -> None:
        self.auth, self.port, self.session, self.people = auth, port, session, people
        self.revoked: list[str] = []
        self.versions: list[int] = []
        self.seen: list[Person] = []

    def feed(self, times: Times = QUICK) -> ChangesFeed:
        return ChangesFeed(
            f"http://127.0.0.1:{self.port}/",
            KEY,
            self.session,
            people=self.people,
            on_session_revoked=self.revoked.append,
            on_keys_changed=self.versions.append,
            on_person=self.seen.append,
            times=times,
        )


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
def auth() -> Auth:
    return Auth()


@pytest.fixture
async def proxy(auth: Auth) -> AsyncIterator[TcpProxy]:
    app = web.Application()
    app.router.add_get("/internal/changes", auth.serve)
    server = TestServer(app, host="127.0.0.1")
    await server.start_server()
    assert server.port
    async with tcp_proxy("127.0.0.1", server.port) as proxy:
        yield proxy
        auth.answers.set()
    await server.close()


@pytest.fixture(scope="module")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("changes") / "template.db"
    upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture
async def people(migrated: Path, tmp_path: Path) -> AsyncIterator[Projection]:
    database = Database(f"sqlite:///{shutil.copy(migrated, tmp_path / 'chat.db')}")
    yield Projection(database)
    await database.close()


@pytest.fixture
async def setting(auth: Auth, proxy: TcpProxy, people: Projection) -> AsyncIterator[Setting]:
    async with aiohttp.ClientSession() as session:
        yield Setting(auth, proxy.port, session, people)


async def test_the_whole_feed_is_read_at_the_start_page_by_page(setting: Setting) -> None:
    for n in range(1, 8):
        setting.auth.user(n, f"u{n}", f"name {n}")
    setting.auth.session(8, "s1")
    setting.auth.add(n=9, kind="keys", version=9)
    feed = setting.feed()
    assert not feed.caught_up
    async with running(feed):
        await eventually(lambda: feed.caught_up)
    users = [f"u{n}" for n in range(1, 8)]
    assert await setting.people.names(*users) == {f"u{n}": f"name {n}" for n in range(1, 8)}
    assert (setting.revoked, setting.versions) == (["s1"], [9])
    assert await setting.people.cursor() == 9
    assert setting.auth.asked == [0, 3, 6]
    assert [person.id for person in setting.seen] == [f"u{n}" for n in range(1, 8)]


async def test_people_below_the_stored_cursor_are_not_written_again_but_revocations_are_heard(setting: Setting) -> None:
    await setting.people.apply_feed([], 2)
    setting.auth.user(1, "u1")
    setting.auth.session(2, "s1")
    setting.auth.user(3, "u3")
    async with running(setting.feed()) as feed:
        await eventually(lambda: feed.caught_up)
    assert [person.id for person in setting.seen] == ["u3"]
    assert list(await setting.people.names("u1", "u3")) == ["u3"]
    assert setting.revoked == ["s1"]


async def test_a_stored_cursor_never_moves_back(setting: Setting) -> None:
    await setting.people.apply_feed([], 100)
    for n in range(1, 8):
        setting.auth.session(n, f"s{n}")
    async with running(setting.feed()) as feed:
        await eventually(lambda: feed.caught_up)
    assert (setting.people.applied, await setting.people.cursor(), len(setting.revoked)) == ([100], 100, 7)


async def test_an_empty_feed_is_caught_up_with(setting: Setting) -> None:
    async with running(setting.feed()) as feed:
        await eventually(lambda: feed.caught_up)
    assert setting.auth.asked == [0]


async def test_a_ring_makes_it_look_and_rows_are_heard_once(setting: Setting) -> None:
    setting.auth.session(1, "s1")
    async with running(setting.feed()) as feed:
        await eventually(lambda: feed.caught_up)
        setting.auth.session(2, "s2")
        feed.ring()
        await eventually(lambda: setting.revoked == ["s1", "s2"])
    assert setting.auth.asked == [0, 1]


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
        setting.auth.session(1, "s1")
        setting.auth.answers.set()
        assert await looking
        assert setting.revoked == ["s1"]


async def test_without_any_ring_it_looks_by_itself(setting: Setting) -> None:
    async with running(setting.feed(QUICK._replace(interval=0.01))):
        await eventually(lambda: len(setting.auth.asked) > 3)
        setting.auth.session(1, "s1")
        await eventually(lambda: setting.revoked)


async def test_somebody_deleted_or_disabled_is_disabled_here(setting: Setting) -> None:
    setting.auth.user(1, "gone", deleted=True)
    setting.auth.user(2, "barred", "dog2", disabled=True)
    async with running(setting.feed()) as feed:
        await eventually(lambda: feed.caught_up)
    assert {person.id: person for person in await setting.people.get([UserId("gone"), UserId("barred")])} == {
        "gone": Person(id=UserId("gone"), name="", disabled=True),
        "barred": Person(id=UserId("barred"), name="dog2", disabled=True),
    }


async def test_a_key_version_is_told_once(setting: Setting) -> None:
    setting.auth.add(n=1, kind="keys", version=5)
    async with running(setting.feed()) as feed:
        await eventually(lambda: feed.caught_up)
        setting.auth.add(n=2, kind="keys", version=5)
        setting.auth.add(n=3, kind="keys", version=6)
        assert await feed.look_soon()
    assert setting.versions == [5, 6]


async def test_kinds_and_fields_of_a_newer_auth_are_passed_over(setting: Setting) -> None:
    setting.auth.add(n=1, kind="avatar", id="x", size=3)
    setting.auth.session(2, "s1")
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
    setting.auth.session(1, "s1")
    setting.auth.status, setting.auth.body = status, body
    with structlog.testing.capture_logs() as logs:
        async with running(setting.feed()) as feed:
            await eventually(lambda: len(setting.auth.asked) > 3)
            assert not feed.caught_up
            setting.auth.status, setting.auth.body = 200, None
            await eventually(lambda: feed.caught_up)
    assert setting.revoked == ["s1"]
    assert [line["event"] for line in logs] == ["changes.not_read"]
    assert KEY not in str(logs)


async def test_auth_cut_off_and_back_is_caught_up_with(setting: Setting, proxy: TcpProxy) -> None:
    async with running(setting.feed()) as feed:
        await eventually(lambda: feed.caught_up)
        proxy.cut()
        setting.auth.session(1, "s1")
        assert not await feed.look_soon()
        proxy.heal()
        await eventually(lambda: setting.revoked == ["s1"])


async def test_an_auth_that_hangs_is_given_up_and_asked_again(setting: Setting, proxy: TcpProxy) -> None:
    setting.auth.session(1, "s1")
    proxy.half_open()
    async with running(setting.feed(QUICK._replace(request=0.05))) as feed:
        await eventually(lambda: proxy.connections_made > 1)
        assert not feed.caught_up
        proxy.heal()
        await eventually(lambda: feed.caught_up)


async def test_a_database_that_is_down_stops_people_and_no_revocation(setting: Setting) -> None:
    async with running(setting.feed()) as feed:
        await eventually(lambda: feed.caught_up)
        setting.people.is_down = True
        for n in range(1, 6):
            setting.auth.user(n, f"u{n}")
        setting.auth.session(6, "s1")
        feed.ring()
        await eventually(lambda: setting.revoked)
        setting.auth.session(7, "s2")
        await eventually(lambda: setting.revoked == ["s1", "s2"])
        assert setting.seen == []
        setting.people.is_down = False
        await eventually(lambda: 7 in setting.people.applied)
    assert await setting.people.names("u1", "u5") == {"u1": "", "u5": ""}
    assert setting.revoked == ["s1", "s2"]


async def test_a_database_that_is_down_at_the_start_stops_no_revocation(setting: Setting) -> None:
    setting.people.is_down = True
    setting.auth.user(1, "u1")
    setting.auth.session(2, "s1")
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
