"""Typing and receipts, from who does it to those who look, with a clock that a test turns."""

import json
from typing import Any

import msgspec
import pytest

from chat_gateway.core.entries import Entry, Kind
from chat_gateway.core.ids import RoomId, UserId, user_log
from chat_gateway.core.live import MAX_TYPING, MAX_WITH_RECEIPTS, Ephemeral
from chat_gateway.presence.activity import Activity
from chat_gateway.realtime.publication import Publication
from chat_gateway.store.memberships import Memberships
from shared.errors import Forbidden, NotFound
from tests.builders import Clock, entry
from tests.faults import eventually
from tests.integration.chat_gateway.presence.conftest import MEMBERS, ROOM, RunPart
from tests.integration.chat_gateway.presence.parts import Part
from tests.integration.chat_gateway.store.gateway import execute

DEN = RoomId(ROOM)
ANN, BOB, DAN = UserId("ann"), UserId("bob"), UserId("dan")


class Sent:
    """An Activity on the real memberships, and what it sent."""

    def __init__(self, memberships: Memberships) -> None:
        self.clock = Clock()
        self.told: list[tuple[RoomId, Ephemeral]] = []
        self.here: dict[RoomId, set[UserId]] = {}
        self.activity = Activity(
            memberships,
            members_here=self.here.get,
            send=lambda room, told: self.told.append((room, told)),
            monotonic=self.clock.monotonic,
        )

    def wait(self, seconds: float) -> None:
        self.clock.pass_seconds(seconds)
        self.activity.tick()

    def take(self) -> list[dict[str, Any]]:
        told, self.told = self.told, []
        assert all(room == DEN for room, _ in told)
        return [told_as_json(one) for _, one in told]


def told_as_json(told: Ephemeral) -> dict[str, Any]:
    decoded: dict[str, Any] = json.loads(msgspec.json.encode(told))
    return decoded


@pytest.fixture
def sent(memberships: Memberships) -> Sent:
    return Sent(memberships)


def moved(user: UserId, offset: int, **more: Any) -> Entry:
    content = json.dumps({"room": ROOM, "offset": offset, "posts": 1, **more})
    return entry(log=user_log(user), kind=Kind.MARKER_MOVED, author=user, content=content)


async def test_the_first_to_type_is_told_at_once_and_the_others_within_a_second(sent: Sent) -> None:
    await sent.activity.typing(DEN, ANN)
    assert sent.take() == [{"type": "typing", "users": ["ann"]}]
    await sent.activity.typing(DEN, BOB)
    await sent.activity.typing(DEN, ANN)
    sent.wait(0.9)
    assert sent.take() == []
    sent.wait(0.1)
    assert sent.take() == [{"type": "typing", "users": ["bob", "ann"]}]
    sent.wait(5)
    assert sent.take() == []


async def test_at_most_five_are_named(sent: Sent) -> None:
    sent.here[DEN] = {UserId(f"u{number}") for number in range(9)}
    for user in sorted(sent.here[DEN]):
        await sent.activity.typing(DEN, user)
    sent.wait(1)
    assert [len(told["users"]) for told in sent.take()] == [1, MAX_TYPING]


@pytest.mark.parametrize("user", ["dan", "stranger"])
async def test_only_members_type(sent: Sent, user: str) -> None:
    with pytest.raises(NotFound) as refused:
        await sent.activity.typing(DEN, UserId(user))
    assert refused.value.code == "room_not_found"
    with pytest.raises(NotFound):
        await sent.activity.typing(RoomId("nowhere"), UserId(user))
    sent.here[DEN] = set()
    with pytest.raises(NotFound):
        await sent.activity.typing(DEN, ANN)
    assert sent.take() == []


async def test_the_database_is_asked_once_in_five_seconds_about_a_member(sent: Sent, sqlite_url: str) -> None:
    await sent.activity.typing(DEN, ANN)
    await execute(sqlite_url, "UPDATE member SET status = 'removed'")
    sent.wait(4.9)
    await sent.activity.typing(DEN, ANN)
    sent.wait(0.1)
    with pytest.raises(NotFound):
        await sent.activity.typing(DEN, ANN)


@pytest.mark.parametrize("is_looked_at", [True, False])
async def test_who_is_blocked_in_a_room_of_two_does_not_type_there(
    sent: Sent, sqlite_url: str, *, is_looked_at: bool
) -> None:
    await execute(sqlite_url, f"UPDATE room SET kind = 'direct', members = 2 WHERE id = '{ROOM}'")
    if is_looked_at:
        sent.here[DEN] = {ANN, BOB}
    await sent.activity.typing(DEN, BOB)
    await execute(sqlite_url, "INSERT INTO block (user_id, blocked_id) VALUES ('ann', 'bob')")
    await sent.activity.typing(DEN, BOB)
    sent.wait(5)
    sent.take()
    with pytest.raises(Forbidden, match="not_reachable"):
        await sent.activity.typing(DEN, BOB)
    await execute(sqlite_url, "DELETE FROM block")
    with pytest.raises(Forbidden):
        await sent.activity.typing(DEN, BOB)
    assert sent.take() == []
    sent.wait(5)
    await sent.activity.typing(DEN, BOB)
    assert sent.take() == [{"type": "typing", "users": ["bob"]}]


async def test_what_is_known_of_members_is_bounded(
    sent: Sent, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chat_gateway.presence.activity._MAX_TRUSTED", 2)
    for user in MEMBERS:
        await sent.activity.typing(DEN, UserId(user))
    await execute(sqlite_url, "UPDATE member SET status = 'removed'")
    with pytest.raises(NotFound):
        await sent.activity.typing(DEN, ANN)
    await sent.activity.typing(DEN, UserId("cy"))


async def test_markers_that_move_are_told_once_a_second(sent: Sent) -> None:
    sent.activity.committed([moved(ANN, 3)])
    assert sent.take() == [{"type": "receipts", "markers": {"ann": 3}}]
    sent.activity.committed([moved(ANN, 4), moved(BOB, 2)])
    sent.activity.committed([moved(ANN, 5)])
    assert sent.take() == []
    sent.wait(1)
    assert sent.take() == [{"type": "receipts", "markers": {"ann": 5, "bob": 2}}]


async def test_threads_and_other_entries_are_no_receipts(sent: Sent) -> None:
    sent.activity.committed([moved(ANN, 3, thread="m1"), entry()])
    sent.wait(1)
    assert sent.take() == []


async def test_so_many_readers_are_of_a_room_without_receipts(sent: Sent) -> None:
    sent.activity.committed([moved(UserId("first"), 1)])
    sent.take()
    sent.activity.committed([moved(UserId(f"u{number}"), 3) for number in range(MAX_WITH_RECEIPTS + 1)])
    sent.wait(1)
    assert sent.take() == []


async def test_a_room_where_nothing_happens_is_forgotten(sent: Sent) -> None:
    await sent.activity.typing(DEN, ANN)
    sent.wait(0.5)
    assert sent.activity._rooms
    sent.wait(0.5)
    assert not sent.activity._rooms


async def looking(run_part: RunPart, name: str) -> Part:
    part = await run_part(name)
    part.look(ROOM)
    await part.online(ROOM)
    part.bus.subscribe(f"live:{ROOM}")  # as the hub does for its listeners
    return part


async def test_what_one_does_is_told_once_on_every_instance(run_part: RunPart) -> None:
    one, other = await looking(run_part, "g1"), await looking(run_part, "g2")
    await eventually(lambda: one.carries(f"live:{ROOM}") and other.carries(f"live:{ROOM}"))
    await one.presence.activity.typing(DEN, ANN)
    other.presence.activity.committed([moved(BOB, 4)])
    for part in (one, other):
        await eventually(lambda part=part: part.says("typing") and part.says("receipts"))  # type: ignore[misc]
    await one.presence.activity.typing(DEN, BOB)  # a barrier, a second later
    for part in (one, other):
        await eventually(lambda part=part: len(part.says("typing")) == 2)  # type: ignore[misc]
        assert [told["users"] for told in part.says("typing")] == [["ann"], ["bob"]]
        assert part.says("receipts") == [{"type": "receipts", "markers": {"bob": 4}}]


async def test_on_the_way_to_others_a_removed_member_is_taken_out(run_part: RunPart, sqlite_url: str) -> None:
    one, other = await run_part("g1"), await looking(run_part, "g2")
    await eventually(lambda: other.carries(f"live:{ROOM}"))
    await one.presence.activity.typing(DEN, BOB)  # nobody looks there: the database says that he is a member
    await eventually(lambda: other.says("typing"))
    await execute(sqlite_url, "UPDATE member SET status = 'removed' WHERE user_id = 'bob'")
    other.presence.passed(f"room:{ROOM}", Publication(11, Kind.MEMBER_REMOVED, "e11", "bob", b"{}"))
    await one.presence.activity.typing(DEN, BOB)  # still trusted there
    await one.presence.activity.typing(DEN, ANN)
    await eventually(lambda: len(other.says("typing")) == 2)
    assert other.says("typing")[1]["users"] == ["ann"]
