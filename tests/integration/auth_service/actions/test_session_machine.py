"""Any number of uses of one session's tokens, at once, repeated, lost and stolen: what holds whatever happens.

One line of tokens lives. An honest browser with lost answers is logged out by nobody but a thief. Where a thief and his
victim both go on, the session is soon over for both.
"""

import asyncio
import secrets
import time
from collections.abc import Coroutine, Iterator, Sequence
from typing import Any, TypeVar

import pytest
import uuid_utils
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import func, select
from typing_extensions import override

from auth_service.actions import rotation, sessions
from auth_service.core.callers import Caller
from auth_service.core.ports import Randomness
from auth_service.core.sessions import ABSOLUTE, GRACE, IDLE, RefreshToken, SessionId
from auth_service.core.users import UserId
from auth_service.store import tables
from auth_service.store.database import Database
from tests.integration.auth_service.aging import age_everything
from tests.integration.auth_service.rows import CALLER, a_user
from tests.postgres import PostgresServer
from tests.templates import postgres_database

pytestmark = pytest.mark.no_cover  # many cases, twice as long if traced; smaller tests cover the same lines

T = TypeVar("T")

KEYS = {"a": b"k" * 32}
RANDOMNESS = Randomness(secrets.token_bytes, lambda: str(uuid_utils.uuid7()))
STRANGER = Caller("198.51.100.7", "curl")
DAY = 86400
# Long before and long after the grace: the time the steps themselves take must not matter.
SOON, LATER = 2, int(GRACE.total_seconds()) + 1
SURELY_IN_GRACE = GRACE.total_seconds() / 2


class World:
    """The database and the loop it belongs to, for all runs of the machine."""

    def __init__(self, url: str) -> None:
        self._runner = asyncio.Runner()
        self.database = Database(url, on_change=lambda: None)

    def run(self, story: Coroutine[Any, Any, T]) -> T:
        return self._runner.run(story)

    def close(self) -> None:
        self.run(self.database.close())
        self._runner.close()

    async def log_in(self) -> tuple[UserId, SessionId, RefreshToken]:
        async with self.database.transaction() as tx:
            user = a_user(f"{secrets.token_hex(8)}@example.org")
            await tx.users.add(user)
            logged_in = await sessions.open_session(tx, RANDOMNESS, user, CALLER)
        return user.id, logged_in.session, logged_in.refresh_token

    async def present(self, tokens: Sequence[RefreshToken], caller: Caller = CALLER) -> list[RefreshToken | None]:
        """Each of the tokens, all at once; what follows each, or None where it is refused."""
        return list(await asyncio.gather(*(self._present(token, caller) for token in tokens)))

    async def _present(self, token: RefreshToken, caller: Caller) -> RefreshToken | None:
        async with self.database.transaction() as tx:
            done = await rotation.exchange(tx, KEYS, RANDOMNESS, caller, token)
        return None if done is None else done[1]

    async def end(self, session: SessionId) -> None:
        async with self.database.transaction() as tx:
            await tx.sessions.end(session)

    async def lines(self, session: SessionId) -> int:
        """How many tokens of the session would be exchanged if somebody came with them."""
        of_session = tables.refresh_token.c.session_id == session
        unused = tables.refresh_token.c.exchanged_at.is_(None) & tables.refresh_token.c.killed_at.is_(None)
        query = select(func.count()).select_from(tables.refresh_token).where(of_session & unused)
        async with self.database.reading() as tx:
            return int((await tx.connection.execute(query)).scalar_one())

    async def reuses(self, user: UserId) -> int:
        query = select(func.count()).where(tables.audit.c.user_id == user, tables.audit.c.event == "session.reused")
        async with self.database.reading() as tx:
            return int((await tx.connection.execute(query)).scalar_one())

    async def is_revoked(self, session: SessionId) -> bool:
        changes = (await self.database.changes_after(0)).changes
        return any(entry["kind"] == "session" and entry["id"] == session for entry in changes)

    async def forget(self, user: UserId) -> None:
        async with self.database.transaction() as tx:
            await tx.users.remove(user)


class SessionMachine(RuleBasedStateMachine):
    """One session, its honest browser and perhaps a thief."""

    world: World

    @initialize()
    def log_in(self) -> None:
        self.user, self.session, self.cookie = self.world.run(self.world.log_in())
        self.exchanged: dict[RefreshToken, tuple[float, float]] = {}
        self.aged, self.began = 0.0, time.monotonic()
        self.started = self.used = self.now
        self.loot: list[RefreshToken] = []
        self.is_stolen = self.is_over = False

    @property
    def now(self) -> float:
        return self.aged + time.monotonic() - self.began

    @property
    def is_too_old(self) -> bool:
        return self.now - self.used > IDLE.total_seconds() or self.now - self.started > ABSOLUTE.total_seconds()

    def present(self, tokens: Sequence[RefreshToken], caller: Caller = CALLER) -> list[RefreshToken | None]:
        should_live = not (self.is_stolen or self.is_over or self.is_too_old)
        answers = self.world.run(self.world.present(tokens, caller))
        for token, answer in zip(tokens, answers, strict=True):
            if answer is not None:
                self.exchanged.setdefault(token, (self.aged, self.now))
                self.used = self.now
        if should_live:
            assert None not in answers, "an honest client was logged out"
        if self.is_over or self.is_too_old:
            assert set(answers) == {None}, "a session that is over went on"
        elif None in answers:
            self.is_over = True
            assert self.world.run(self.world.reuses(self.user)) == 1
            assert self.world.run(self.world.is_revoked(self.session))
        return answers

    def recent(self) -> list[RefreshToken]:
        """Tokens of the browser that another of its requests, sent a moment ago, may still present."""
        return [token for token, (aged, _) in self.exchanged.items() if self.aged - aged < SURELY_IN_GRACE]

    @rule(tabs=st.integers(1, 4), times=st.integers(1, 4))
    def browser_refreshes_in_all_tabs(self, tabs: int, times: int) -> None:
        for _ in range(times):
            answers = self.present([self.cookie] * tabs)
            if None not in answers:
                assert len(set(answers)) == 1
            self.cookie = answers[0] or self.cookie

    @rule(tabs=st.integers(1, 3))
    def answers_are_lost(self, tabs: int) -> None:
        self.present([self.cookie] * tabs)

    @precondition(lambda self: self.recent())
    @rule(data=st.data(), is_lost=st.booleans())
    def requests_arrive_late_and_in_any_order(self, data: st.DataObject, *, is_lost: bool) -> None:
        late = data.draw(st.lists(st.sampled_from(self.recent()), min_size=1, max_size=4))
        if any(self.now - at >= SURELY_IN_GRACE for _, at in (self.exchanged[token] for token in late)):
            return  # this machine is so slow that real time has passed as well
        answers = self.present([*late, self.cookie])
        if not is_lost and not self.is_stolen and not self.is_over and not self.is_too_old:
            self.cookie = data.draw(st.sampled_from([answer for answer in answers if answer is not None]))

    @rule(seconds=st.sampled_from([SOON, LATER, LATER, 600, 20 * DAY]))
    def time_passes(self, seconds: int) -> None:
        self.world.run(age_everything(self.world.database, seconds))
        self.aged += seconds

    @precondition(lambda self: len(self.loot) < 3)
    @rule()
    def cookie_is_copied(self) -> None:
        self.loot.append(self.cookie)

    @precondition(lambda self: self.loot)
    @rule(data=st.data(), is_at_once=st.booleans())
    def thief_refreshes(self, data: st.DataObject, *, is_at_once: bool) -> None:
        self.is_stolen = True
        token = data.draw(st.sampled_from(self.loot))
        answers = self.present([token, self.cookie] if is_at_once else [token], STRANGER)
        self.loot.append(answers[0] or token)
        if is_at_once:
            self.cookie = answers[1] or self.cookie

    @precondition(lambda self: self.is_stolen)
    @rule()
    def thief_and_victim_both_go_on(self) -> None:
        for _ in range(2):
            for is_thief in (True, False):
                self.time_passes(LATER)
                (answer,) = self.present([self.loot[-1] if is_thief else self.cookie])
                if is_thief:
                    self.loot.append(answer or self.loot[-1])
                else:
                    self.cookie = answer or self.cookie
        assert self.is_over or self.is_too_old

    @rule(dice=st.integers(1, 6))
    def browser_logs_out(self, dice: int) -> None:
        if dice == 6:
            self.world.run(self.world.end(self.session))
            self.is_over = True

    @precondition(lambda self: self.is_over or self.is_too_old)
    @rule()
    def browser_logs_in_again(self) -> None:
        self.teardown()
        self.log_in()

    @invariant()
    def one_line_lives(self) -> None:
        assert self.world.run(self.world.lines(self.session)) == 1

    @override
    def teardown(self) -> None:
        self.world.run(self.world.forget(self.user))


@pytest.fixture
def world(postgres_server: PostgresServer, migrated_database: str) -> Iterator[World]:
    with postgres_database(postgres_server, migrated_database) as url:
        world = World(url)
        yield world
        world.close()


def test_whatever_happens_to_the_tokens_of_a_session(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    # In the machine everything happens in one moment; test_session_limits.py asks for the limit.
    monkeypatch.setattr(rotation, "MOST_EXCHANGES", 1_000_000)

    class Machine(SessionMachine):
        pass

    Machine.world = world
    run_state_machine_as_test(Machine, settings=settings(max_examples=30, stateful_step_count=30, deadline=None))
