"""Deleted accounts are taken out of their rooms once, however many gateways hear of it and whenever one dies."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

import msgspec
import pytest
from structlog.testing import capture_logs
from typing_extensions import override

from chat_gateway import departures
from chat_gateway.actions import directs, memberships, messages
from chat_gateway.core import errors
from chat_gateway.core.changes import Applied, Change
from chat_gateway.core.chat import Chat
from chat_gateway.core.entries import Entry, Kind
from chat_gateway.core.ids import LogId, UserId
from chat_gateway.core.people import Person
from chat_gateway.core.ports import Log
from chat_gateway.departures import Departures, Times
from chat_gateway.store.database import Database
from chat_gateway.store.departures import Departures as Store
from chat_gateway.store.people import People
from tests.integration.chat_gateway.actions.conftest import running
from tests.integration.chat_gateway.actions.scene import ADA, BOB, CY, code, known, room_of, roster
from tests.integration.chat_gateway.store.gateway import held_lock, rows, until

OFTEN = Times(interval=0.05, retry=0.05)
RARELY = Times(interval=600.0, retry=0.05)

Relayed = list[tuple[LogId, Sequence[Entry]]]


@asynccontextmanager
async def departing(chat: Chat, url: str, times: Times = RARELY) -> AsyncIterator[Departures]:
    database = Database(url, patience_seconds=0.5, read_seconds=10.0)
    one = Departures(chat, Store(database), times)
    task = asyncio.ensure_future(one.run())
    try:
        yield one
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await database.close()


@asynccontextmanager
async def chat_on(url: str, relayed: Relayed | None = None) -> AsyncIterator[Chat]:
    async with running(url, [] if relayed is None else relayed) as chat:
        yield chat


@pytest.fixture
async def chat(url: str) -> AsyncIterator[Chat]:
    async with chat_on(url) as chat:
        await known(chat, ADA, BOB, CY)
        yield chat


async def delete(url: str, *users: UserId) -> list[Person]:
    """Take from the feed that these are deleted."""
    people = [Person(id=user, name="", disabled=True) for user in users]
    database = Database(url)
    await People(database).apply_feed(list(enumerate(people, 7)), 9)
    await database.close()
    return people


async def entries(url: str) -> list[tuple[str, int, str]]:
    """Who left and who became an owner, room by room."""
    kinds = f"{Kind.MEMBER_LEFT}, {Kind.MEMBER_ROLE}"
    sql = f'SELECT log_id, kind, subject FROM entry WHERE kind IN ({kinds}) ORDER BY log_id, "offset"'
    return [(log, kind, subject) for log, kind, subject in await rows(url, sql)]


def gone_from(*rooms: str, heir: UserId = BOB) -> list[tuple[str, int, str]]:
    """What stands in these logs when Ada, who owned the rooms, is gone."""
    steps = ((Kind.MEMBER_ROLE, heir), (Kind.MEMBER_LEFT, ADA))
    return [(f"room:{room}", kind, user) for room in sorted(rooms) for kind, user in steps]


async def until_gone(url: str, *rooms: str) -> None:
    async def is_done() -> bool:
        return len(await entries(url)) >= 2 * len(rooms)

    await until(is_done)
    assert await entries(url) == gone_from(*rooms)


async def test_what_was_left_undone_is_done_at_the_start(chat: Chat, url: str) -> None:
    room = await room_of(chat, ADA, BOB, CY)
    await delete(url, ADA)
    async with departing(chat, url):
        await until_gone(url, room)
    assert await roster(chat, CY, room) == {BOB: "owner", CY: "member"}


async def test_who_is_heard_of_leaves_at_once_and_nobody_else(chat: Chat, url: str) -> None:
    first, second = await room_of(chat, ADA, BOB), await room_of(chat, BOB, CY)
    async with departing(chat, url) as one:
        await until_looked(one)
        await delete(url, CY)  # which this gateway does not hear of
        one.heard(Person(id=BOB, name="Bob", disabled=True))
        for person in await delete(url, ADA):
            one.heard(person)
        await until_gone(url, first)
    assert await roster(chat, BOB, second) == {BOB: "owner", CY: "member"}


async def test_what_nobody_told_is_found_with_the_next_look(chat: Chat, url: str) -> None:
    room = await room_of(chat, ADA, BOB)
    async with departing(chat, url, OFTEN) as one:
        await until_looked(one)
        await delete(url, ADA)
        await until_gone(url, room)


async def test_two_gateways_that_hear_it_at_once_write_it_once(chat: Chat, url: str) -> None:
    made = [await room_of(chat, ADA, BOB) for _ in range(5)]
    people = await delete(url, ADA)
    async with chat_on(url) as other, departing(chat, url, OFTEN) as first, departing(other, url, OFTEN) as second:
        for one in (first, second, first):
            one.heard(people[0])
        await until_gone(url, *made)
        await until_looked(first)
        await until_looked(second)
    assert await entries(url) == gone_from(*made)
    assert {count for (count,) in await rows(url, "SELECT members FROM room WHERE id <> 'lobby'")} == {1}


@pytest.mark.parametrize("last", [Kind.MEMBER_ROLE, Kind.MEMBER_LEFT])
async def test_a_gateway_that_dies_between_two_steps_leaves_the_rest_to_another(url: str, last: Kind) -> None:
    relayed: Relayed = []
    async with chat_on(url, relayed) as dying:
        await known(dying, ADA, BOB)
        made = [await room_of(dying, ADA, BOB) for _ in range(3)]
        await delete(url, ADA)
        relayed.clear()
        async with departing(_Dying(dying.log, last).of(dying), url):
            await until(lambda: _has(relayed, last))
    assert len(await entries(url)) < 2 * len(made)
    async with chat_on(url) as other, departing(other, url):
        await until_gone(url, *made)


class _Dying(Log):
    """The real log in a process that ends once an entry of a kind is written: what comes after it never happens."""

    def __init__(self, real: Log, last: Kind) -> None:
        self._real, self._last = real, last
        self._is_dead = False

    def of(self, chat: Chat) -> Chat:
        return msgspec.structs.replace(chat, log=self)

    @override
    async def append(self, change: Change) -> Applied:
        if self._is_dead:
            await asyncio.Event().wait()
        applied = await self._real.append(change)
        self._is_dead = applied.entry is not None and applied.entry.kind == self._last
        return applied


def _has(relayed: Relayed, kind: Kind) -> bool:
    return any(entry.kind == kind for _, found in relayed for entry in found)


async def test_more_than_a_page_of_rooms_accounts_and_conversations_comes_to_an_end(
    chat: Chat, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(departures, "_PAGE", 2)
    others = [UserId(f"u{n}") for n in range(5)]
    await known(chat, *others)
    for other in others:
        await directs.open_direct(chat, ADA, directs.Open(users=[other]))
    made = [await room_of(chat, ADA, BOB, *others) for _ in range(5)]
    await delete(url, ADA, *others)
    async with departing(chat, url):
        await until(lambda: _is_all_done(url))
    left = [(log, user) for log, kind, user in await entries(url) if kind == Kind.MEMBER_LEFT]
    assert sorted(left) == sorted((f"room:{room}", user) for room in made for user in (ADA, *others))


async def _is_all_done(url: str) -> bool:
    """Nobody of the deleted is in a room but a direct one, and each has shut all of those."""
    sql = (
        "SELECT 1 FROM member JOIN person ON person.id = member.user_id AND person.name = ''"
        " JOIN room ON room.id = member.room_id AND room.kind <> 'direct' WHERE member.status = 'joined'"
    )
    return not await rows(url, sql) and await rows(url, "SELECT count(*) FROM block") == [(10,)]


async def test_a_post_to_somebody_who_is_gone_is_refused(chat: Chat, url: str) -> None:
    room = (await directs.open_direct(chat, ADA, directs.Open(users=[BOB]))).room.id
    group = (await directs.open_direct(chat, ADA, directs.Open(users=[BOB, CY]))).room.id
    people = await delete(url, ADA)
    async with departing(chat, url) as one:
        one.heard(people[0])

        async def is_refused() -> bool:
            return await code(messages.post(chat, BOB, messages.PostMessage(room=room, body="hi"))) == "account_deleted"

        await until(is_refused)
    assert await code(messages.post(chat, BOB, messages.PostMessage(room=group, body="hi"))) == "ok", "Cy reads it"


class _Refusing(Log):
    """The real log, but for one room, whose changes are refused."""

    def __init__(self, real: Log, room: str) -> None:
        self._real, self._room = real, room

    @override
    async def append(self, change: Change) -> Applied:
        if change.room == self._room:
            raise errors.last_owner()
        return await self._real.append(change)


async def test_a_room_that_refuses_holds_up_no_other(chat: Chat, url: str) -> None:
    first, second, third = sorted([await room_of(chat, ADA, BOB) for _ in range(3)])
    await delete(url, ADA)
    refusing = msgspec.structs.replace(chat, log=_Refusing(chat.log, second))
    with capture_logs() as logs:
        async with departing(refusing, url):
            await until_gone(url, first, third)
    assert [line["room"] for line in logs if line["event"] == "departures.refused"] == [second]
    async with departing(chat, url):
        await until_gone(url, first, second, third)


async def test_it_goes_on_after_the_database_did_not_answer(sqlite_url: str) -> None:
    async with chat_on(sqlite_url) as chat:
        await known(chat, ADA, BOB)
        room = await room_of(chat, ADA, BOB)
        await delete(sqlite_url, ADA)
        with capture_logs() as logs:
            async with AsyncExitStack() as stack:
                async with held_lock(sqlite_url):
                    await stack.enter_async_context(departing(chat, sqlite_url))
                    await until(lambda: _paused(logs))
                await until_gone(sqlite_url, room)


async def test_an_account_that_came_back_in_is_taken_out_again(chat: Chat, url: str) -> None:
    room = await room_of(chat, BOB, ADA)
    await delete(url, ADA)
    async with departing(chat, url, OFTEN):
        await until(lambda: _left(url, 1))
        await memberships.join(chat, ADA, memberships.JoinRoom(room=room))
        await until(lambda: _left(url, 2))


async def _left(url: str, times: int) -> bool:
    return [user for _, _, user in await entries(url)] == [ADA] * times


async def until_looked(one: Departures) -> None:
    """Wait until it waits to be told: no other sign of that is to be seen."""
    await until(lambda: bool(one._rung._waiters))


def _paused(logs: Sequence[Mapping[str, object]]) -> bool:
    return any(line["event"] == "departures.paused" for line in logs)
