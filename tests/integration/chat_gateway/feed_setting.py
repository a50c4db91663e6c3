"""Auth behind a proxy and the people it tells of: what the tests of the changes feed are set in."""

from collections.abc import Collection, Sequence

import aiohttp
from typing_extensions import override

from chat_gateway.changes import ChangesFeed, Times
from chat_gateway.core.ids import UserId
from chat_gateway.core.people import Person
from chat_gateway.store.database import Database
from chat_gateway.store.people import People
from shared.errors import Unavailable
from tests.faults import TcpProxy
from tests.integration.chat_gateway.auth import INTERNAL_KEY, Auth

QUICK = Times(interval=1000, retry=0.01, longest_retry=0.02, request=0.5, patience=0.5)


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
    """Auth behind a proxy, the people it tells of, and what else was heard."""

    def __init__(self, auth: Auth, proxy: TcpProxy, session: aiohttp.ClientSession, people: Projection) -> None:
        self.auth, self.rows, self.proxy, self.people = auth, auth.feed, proxy, people
        self._session = session
        self.revoked: list[str] = []
        self.revoked_at_once: list[int] = []
        self.versions: list[int] = []
        self.seen: list[Person] = []

    def hear(self, sessions: Collection[str]) -> None:
        self.revoked += sessions
        self.revoked_at_once.append(len(sessions))

    def feed(self, times: Times = QUICK) -> ChangesFeed:
        return ChangesFeed(
            f"http://127.0.0.1:{self.proxy.port}/",
            INTERNAL_KEY,
            self._session,
            people=self.people,
            on_sessions_revoked=self.hear,
            on_keys_changed=self.versions.append,
            on_person=self.seen.append,
            times=times,
        )
