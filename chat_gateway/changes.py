"""The changes feed of auth: who people are, which sessions ended, when the keys changed.

The feed is the truth and the doorbell only says when to look: a lost ring costs seconds. Revocations do not wait for
people: each has a cursor, people's is kept in the chat database with the projection, revocations' in memory from 0 on,
which is all that the feed still holds. Rows may come twice; every effect bears that.
"""

import asyncio
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from typing import NamedTuple, Protocol

import aiohttp
import msgspec
import structlog

from chat_gateway.core.ids import UserId
from chat_gateway.core.people import Person

_log = structlog.get_logger(__name__)


class People(Protocol):
    async def cursor(self) -> int: ...

    async def apply_feed(self, people: Sequence[tuple[int, Person]], cursor: int) -> None: ...


class Times(NamedTuple):
    """In seconds: between looks, after an error (doubling), for one request, for `look_soon`."""

    interval: float = 20.0
    retry: float = 0.5
    longest_retry: float = 10.0
    longest_retry_at_start: float = 1.0
    request: float = 5.0
    patience: float = 2.0


class _Change(msgspec.Struct):
    """A row of any kind; kinds of a newer auth are passed over."""

    n: int
    kind: str
    id: str = ""
    name: str = ""
    picture: str = ""
    disabled: bool = False
    deleted: bool = False
    version: int = 0


class _Page(msgspec.Struct):
    changes: list[_Change]
    next: int
    more: bool


class ChangesFeed:
    """`run` belongs to the caller's TaskGroup; the callbacks are called from it, and may be called again for a row."""

    def __init__(
        self,
        base_url: str,
        internal_key: str,
        session: aiohttp.ClientSession,
        *,
        people: People,
        on_sessions_revoked: Callable[[Collection[str]], None],
        on_keys_changed: Callable[[int], None],
        on_person: Callable[[Person], None] = lambda _person: None,
        times: Times = Times(),  # noqa: B008 -- immutable
    ) -> None:
        self._url = f"{base_url.rstrip('/')}/internal/changes"
        self._headers = {"Authorization": f"Bearer {internal_key}"}
        self._session, self._people, self._times = session, people, times
        self._on_sessions_revoked, self._on_keys_changed = on_sessions_revoked, on_keys_changed
        self._on_person = on_person
        self._revocations_after = 0
        self._people_after: int | None = None
        self._key_version: int | None = None
        self._caught_up = False
        self._complained = False
        self._rung = asyncio.Event()
        self._looked = asyncio.Event()
        self._looks_begun = self._looks_done = 0

    @property
    def caught_up(self) -> bool:
        """Whether the feed has been read to its end since the start."""
        return self._caught_up

    def ring(self) -> None:
        """Look now, or once more if a look is under way."""
        self._rung.set()

    async def look_soon(self) -> bool:
        """Ring, and wait at most 2 s for a look that began after this call. Answers whether it succeeded in time."""
        due = self._looks_begun + 1
        self.ring()
        with suppress(TimeoutError):
            async with asyncio.timeout(self._times.patience):
                while self._looks_done < due:
                    await self._looked.wait()
                return True
        return False

    async def run(self) -> None:
        """Look at start, regularly and when rung, until cancelled."""
        retry = self._times.retry
        while True:
            self._rung.clear()
            if await self._try_to_look():
                retry = self._times.retry
                await self._pause(self._times.interval)
            elif not await self._pause(retry):
                # A ring does not count: auth rings before it listens, which must not make its gateways slow.
                longest = self._times.longest_retry if self._caught_up else self._times.longest_retry_at_start
                retry = min(retry * 2, longest)

    async def _try_to_look(self) -> bool:
        self._looks_begun += 1
        try:
            await self._look()
        except Exception as error:  # noqa: BLE001 -- the boundary: auth, the network or the database; look again later
            if not self._complained:
                _log.warning("changes.not_read", error=f"{type(error).__name__}: {error}")
            self._complained = True
            return False
        self._looks_done = self._looks_begun
        self._caught_up, self._complained = True, False
        self._looked.set()
        self._looked = asyncio.Event()
        return True

    async def _look(self) -> None:
        """Read to the end of the feed. A failing database stops people, never revocations, and is raised at the end."""
        failure = await self._find_people_cursor()
        after = min(self._revocations_after, self._people_after or 0)
        while True:
            page = await self._page(after)
            self._hear_revocations(page)
            failure = failure or await self._take_people(page)
            if not page.more:
                break
            if page.next <= after:
                raise ValueError("The feed announces more and does not move.")
            after = page.next
        if failure is not None:
            raise failure

    async def _find_people_cursor(self) -> Exception | None:
        if self._people_after is None:
            try:
                self._people_after = await self._people.cursor()
            except Exception as error:  # noqa: BLE001 -- raised by _look once revocations are read
                return error
        return None

    async def _page(self, after: int) -> _Page:
        # No redirect is followed: the key is for this address only.
        async with self._session.get(
            self._url,
            params={"after": str(after)},
            headers=self._headers,
            timeout=aiohttp.ClientTimeout(total=self._times.request),
            allow_redirects=False,
            raise_for_status=True,
        ) as response:
            return msgspec.json.decode(await response.read(), type=_Page)

    def _hear_revocations(self, page: _Page) -> None:
        fresh = [change for change in page.changes if change.n > self._revocations_after]
        if ended := [change.id for change in fresh if change.kind == "session"]:
            self._on_sessions_revoked(ended)
        for change in fresh:
            if change.kind == "keys" and change.version != self._key_version:
                self._key_version = change.version
                self._on_keys_changed(change.version)
        self._revocations_after = max(self._revocations_after, page.next)

    async def _take_people(self, page: _Page) -> Exception | None:
        """Write the page's people and its end. Answers what failed; the cursor stays before what was not written."""
        if self._people_after is None or page.next <= self._people_after:
            return None
        people = [
            (change.n, _person(change))
            for change in page.changes
            if change.kind == "user" and change.n > self._people_after
        ]
        try:
            await self._people.apply_feed(people, page.next)
        except Exception as error:  # noqa: BLE001 -- raised by _look once revocations are read
            return error
        self._people_after = page.next
        for _, person in people:
            self._on_person(person)
        return None

    async def _pause(self, seconds: float) -> bool:
        """Wait for a ring, so long at most. Answers whether one came."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._rung.wait()
        return self._rung.is_set()


def _person(change: _Change) -> Person:
    """Show somebody who is gone as disabled: nobody logs in as them again."""
    return Person(
        id=UserId(change.id), name=change.name, picture=change.picture, disabled=change.disabled or change.deleted
    )
