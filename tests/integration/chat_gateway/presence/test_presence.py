"""Presence behind an engine with real sessions, on clocks that a test turns."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from chat_gateway.bus.redis_link import Pace
from chat_gateway.presence.exchange import Times
from chat_gateway.presence.presence import MAX_SHOWN
from chat_gateway.realtime.limits import Limits
from chat_gateway.realtime.ports import Grant
from chat_gateway.realtime.publication import Batch
from chat_gateway.store.memberships import Memberships
from tests.clients import Client, Instance, idle
from tests.fakes import MemoryLog, OpenChannels
from tests.faults import eventually
from tests.integration.chat_gateway.presence.conftest import let_in
from tests.integration.chat_gateway.presence.parts import Part

pytestmark = pytest.mark.no_cover  # many cases, twice as long if traced; smaller tests cover the same lines

BIG = "big"
EVERYBODY = [f"u{number:04}" for number in range(1_000)]
TIMES = Times(step=0.005)
LIVE = Grant(has_log=False, recoverable=False, positioned=False, presence=True, within=f"room:{BIG}")


class Hall:
    """A thousand members of one room, and an instance they all come to. `told_at` is when a diff was told."""

    def __init__(self, memberships: Memberships, redis: str) -> None:
        application = OpenChannels(MemoryLog())
        application.members[f"room:{BIG}"] = set(EVERYBODY)
        application.grants[f"live:{BIG}"] = LIVE
        self.told_at: list[float] = []
        self.clients: dict[str, Client] = {}
        self.part = Part(
            "g1",
            memberships,
            redis,
            monotonic=self._monotonic,
            deliver=self._deliver,
            times=TIMES,
            pace=Pace(silence_seconds=60),  # a thousand connects on a busy machine must not look like a lost link
        )
        # nobody answers pings here
        self.instance = Instance(application, presence=self.part.presence, limits=Limits(ping_seconds=10_000))

    @asynccontextmanager
    async def open(self) -> AsyncIterator["Hall"]:
        async with self.part, self.instance:
            await eventually(lambda: self.part.is_known)
            yield self

    async def come(self, *users: str) -> None:
        for user in users:
            client = self.clients[user] = await self.instance.connected(user)
            assert "subscribe" in await client.call(subscribe={"channel": f"live:{BIG}"})

    def go(self, *users: str) -> None:
        for user in users:
            self.clients.pop(user).lose()

    async def wait(self, seconds: float) -> None:
        for _ in range(int(seconds * 2)):
            self.instance.clock.pass_seconds(0.5)
            self.part.presence.tick()
            await idle()

    def diffs(self, user: str) -> list[dict[str, Any]]:
        return [push["data"] for push in self.clients[user].pushes("pub", f"live:{BIG}")]

    async def asks(self, user: str, what: str = "presence") -> dict[str, Any]:
        reply: dict[str, Any] = await self.clients[user].call(**{what: {"channel": f"room:{BIG}"}})
        return reply

    def _monotonic(self) -> float:
        return self.instance.clock.monotonic()

    def _deliver(self, batch: Batch) -> None:
        (publication,) = batch.publications
        if json.loads(publication.data)["type"] == "presence.changed":
            self.told_at.append(self.instance.clock.monotonic())
        self.instance.hub.announced(batch)


@pytest.fixture
async def hall(sqlite_url: str, memberships: Memberships, redis_url: str) -> AsyncIterator[Hall]:
    await let_in(sqlite_url, BIG, *EVERYBODY)
    async with Hall(memberships, redis_url).open() as opened:
        yield opened


async def test_a_thousand_members_who_reconnect_in_time_are_in_no_diff(hall: Hall) -> None:
    staying, going = EVERYBODY[:10], EVERYBODY[10:]
    await hall.come(*EVERYBODY)
    await hall.wait(6)
    told = len(hall.told_at)
    hall.go(*going)
    await hall.wait(10)
    await hall.come(*going)
    await hall.wait(30)
    assert len(hall.told_at) == told
    assert all(hall.diffs(user) == [] for user in going)
    assert len(hall.diffs(staying[0])) == told


async def test_a_thousand_members_who_reconnect_cost_each_client_one_diff_in_two_seconds(hall: Hall) -> None:
    staying, going = EVERYBODY[:10], EVERYBODY[10:]
    await hall.come(*EVERYBODY)
    await hall.wait(6)
    hall.go(*going)
    await hall.wait(30)
    hall.told_at.clear()
    before = len(hall.diffs(staying[0]))
    for start in range(0, len(going), 90):
        await hall.come(*going[start : start + 90])
        await hall.wait(0.5)
    await hall.wait(6)
    assert 2 <= len(hall.told_at) <= 7
    assert all(later - earlier >= 2 for earlier, later in zip(hall.told_at, hall.told_at[1:], strict=False))
    for user in staying:
        diffs = hall.diffs(user)[before:]
        assert len(diffs) == len(hall.told_at)
        assert sorted(one for diff in diffs for one in diff["online"]) == going
    assert all(len(hall.diffs(user)) <= len(hall.told_at) for user in going)


async def test_at_most_five_hundred_are_shown_and_all_are_counted(hall: Hall) -> None:
    await hall.come(*EVERYBODY[:600])
    shown = (await hall.asks("u0000"))["presence"]["presence"]
    assert sorted(shown) == EVERYBODY[:MAX_SHOWN]
    assert shown["u0003"]["user"] == "u0003"
    stats = (await hall.asks("u0000", "presence_stats"))["presence_stats"]
    assert (stats["num_clients"], stats["num_users"]) == (600, 600)


async def test_two_devices_are_one_person(hall: Hall) -> None:
    await hall.come("u0000")
    await hall.instance.connected("u0000")
    stats = (await hall.asks("u0000", "presence_stats"))["presence_stats"]
    assert (stats["num_clients"], stats["num_users"]) == (1, 1)


async def test_a_stranger_is_told_that_there_is_no_such_room(hall: Hall) -> None:
    stranger = await hall.instance.connected("stranger")
    for channel in (f"room:{BIG}", f"live:{BIG}", "room:nowhere", "user:u0000", "elsewhere"):
        reply = await stranger.call(presence={"channel": channel})
        assert reply["error"]["message"] == "room_not_found", channel


async def test_where_nobody_knows_the_client_is_told_to_ask_again(hall: Hall) -> None:
    await hall.come("u0000")
    await hall.part.bus.close()
    hall.part.presence.tick()
    reply = await hall.asks("u0000")
    assert (reply["error"]["code"], reply["error"]["temporary"]) == (100, True)


async def test_who_asks_after_subscribing_and_follows_the_diffs_knows_who_is_online(hall: Hall) -> None:
    """Old snapshot and diffs are as a new snapshot, at whatever moments people come and go."""
    await hall.come("u0000")
    known = set((await hall.asks("u0000"))["presence"]["presence"])
    for start in range(1, 60, 5):
        await hall.come(*EVERYBODY[start : start + 5])
        if start % 2:
            hall.go(EVERYBODY[start])
        await hall.wait(1.5)
    await hall.wait(20)
    for diff in hall.diffs("u0000"):
        known = known.union(diff["online"]).difference(diff["offline"])
    assert known == set((await hall.asks("u0000"))["presence"]["presence"])
    assert known == set(hall.clients)
