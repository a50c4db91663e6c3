"""Whoever is out of a room hears nothing more of it: on no gateway, by no transport, by no verb, with Redis or without.

Everything that reaches the removed is looked at byte by byte; a member beside them on the same gateway proves that the
gateway had the message and would have sent it.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, nullcontext
from typing import Any

import pytest

from tests.driver import ChatUser
from tests.e2e.conftest import Arrive, Dial
from tests.e2e.conversation import new_room
from tests.e2e.rest_calls import send
from tests.e2e.wires import Wire
from tests.faults import eventually
from tests.stack import Stack

AFTER = "quillon: not for those who are out"
LIVE_SECONDS = 1.0
LIVE_SECONDS_WITHOUT_REDIS = 5.0

Out = Callable[[ChatUser, str, ChatUser], Awaitable[None]]


async def remove(owner: ChatUser, room: str, user: ChatUser) -> None:
    await owner.rpc("room.remove", {"room": room, "user": user.id})


async def ban(owner: ChatUser, room: str, user: ChatUser) -> None:
    await owner.rpc("room.ban", {"room": room, "user": user.id})


class Scene:
    """An owner on one gateway, a witness on each, and a member who is everywhere and by every transport."""

    def __init__(self, room: str, owner: ChatUser, witnesses: list[ChatUser], member: ChatUser) -> None:
        self.room, self.owner, self.witnesses, self.member = room, owner, witnesses, member
        self.wires: list[Wire] = []
        self.channel = f"room:{room}"
        self.position: dict[str, Any] = {}

    async def subscribe_everywhere(self, dial: Dial) -> None:
        for gateway in (0, 1):
            self.wires.append(await dial(self.member, gateway))
            self.wires.append(await dial(self.member, gateway, stream=True))
            by_hand = await dial(self.member, gateway, data={"rooms": False})
            reply = await by_hand.call(subscribe={"channel": self.channel, "positioned": True, "recoverable": True})
            self.position = {key: reply["subscribe"][key] for key in ("epoch", "offset")}
            self.wires.append(by_hand)

    async def nothing_came(self, what: str) -> None:
        """The witnesses have it; each wire answers once more, and none had a byte of it."""
        for witness in self.witnesses:
            await witness.sees(self.room, what)
        for wire in self.wires:
            assert "rpc" in await wire.rpc("room.list")
            assert what not in wire.raw

    async def nothing_is_answered(self, dial: Dial, base: str, what: str, message: str) -> None:
        """Ask for it in every way there is."""
        about = {"room": self.room}
        verbs: list[tuple[str, dict[str, Any]]] = [
            ("history.page", about),
            ("history.page", {**about, "after": 0}),
            ("history.page", {**about, "pinned": True}),
            ("thread.page", {**about, "thread": message}),
            ("message.revisions", {**about, "message": message}),
            ("room.members", about),
            ("room.list", {}),
            ("search.messages", {"query": "quillon"}),
            ("search.messages", {"query": f"quillon in:{self.room}"}),
        ]
        past = {"recover": True, **self.position}
        for wire in [wire for wire in self.wires if wire.is_open]:
            for verb, data in verbs:
                await wire.rpc(verb, **data)
            for command in ("history", "presence", "presence_stats"):
                assert "error" in await wire.call(**{command: {"channel": self.channel}})
            for channel in (self.channel, f"live:{self.room}"):
                assert "error" in await wire.call(subscribe={"channel": channel, **past})
            assert what not in wire.raw
        for gateway in (0, 1):
            again = await dial(self.member, gateway, subs={self.channel: past})
            assert self.channel not in again.welcome["subs"]
            await again.rpc("room.list")
            assert what not in again.raw
            await again.hang_up()
        for verb, data in verbs:
            _, answer = await send(base, self.member.token, verb, **data)
            assert what not in json.dumps(answer)


MakeScene = Callable[[str], Awaitable[Scene]]


@pytest.fixture
def scene(arrive: Arrive, dial: Dial) -> MakeScene:
    async def make(kind: str) -> Scene:
        owner = await arrive(gateway=0)
        witnesses = [await arrive(gateway=0), await arrive(gateway=1)]
        member = await arrive(gateway=1)
        room = await new_room(owner, *witnesses, member, kind=kind)
        scene = Scene(room, owner, witnesses, member)
        await scene.subscribe_everywhere(dial)
        await owner.say(room, "before")
        for wire in scene.wires:
            await wire.sees("before")
        return scene

    return make


@pytest.mark.parametrize(("kind", "out"), [("private", remove), ("public", ban)])
async def test_nothing_said_afterwards_reaches_a_removed_or_banned_member(
    stack: Stack, scene: MakeScene, dial: Dial, kind: str, out: Out
) -> None:
    scn = await scene(kind)
    await out(scn.owner, scn.room, scn.member)
    posted = await scn.witnesses[1].say(scn.room, AFTER)
    await scn.owner.rpc("message.post", {"room": scn.room, "thread": posted["id"], "body": f"{AFTER} either"})
    await scn.owner.rpc("message.pin", {"room": scn.room, "message": posted["id"]})
    await scn.nothing_came(AFTER)
    await scn.nothing_is_answered(dial, stack.base, AFTER, posted["id"])
    assert scn.room not in {room["id"] for room in (await scn.member.rpc("room.list"))["rooms"]}
    await scn.member.barrier()
    assert AFTER not in json.dumps(scn.member.entries)


async def test_nothing_reaches_the_removed_and_the_banned_while_redis_is_cut_off_and_when_it_is_back(
    stack: Stack, scene: MakeScene, dial: Dial
) -> None:
    scenes = [(await scene("private"), remove), (await scene("public"), ban)]
    with stack.frozen_valkey():
        for scn, out in scenes:
            await out(scn.owner, scn.room, scn.member)
        posted = [await scn.witnesses[1].say(scn.room, AFTER) for scn, _ in scenes]
        for (scn, _), message in zip(scenes, posted, strict=True):
            await scn.nothing_came(AFTER)
            await scn.nothing_is_answered(dial, stack.base, AFTER, message["id"])
    # what Redis was sent before it stood still comes now, late
    for scn, _ in scenes:
        await scn.owner.say(scn.room, f"{AFTER}, nor later")
        await scn.nothing_came(f"{AFTER}, nor later")
        assert all(AFTER not in wire.raw for wire in scn.wires)


async def test_no_entry_above_the_removal_is_written_while_others_go_on_posting(scene: MakeScene) -> None:
    scn = await scene("private")

    async def go_on(user: ChatUser) -> None:
        for n in range(15):
            await user.say(scn.room, f"{user.name} {n}")

    posting = [asyncio.create_task(go_on(user)) for user in scn.witnesses]
    await scn.owner.sees(scn.room, f"{scn.witnesses[0].name} 5")
    await remove(scn.owner, scn.room, scn.member)
    await asyncio.gather(*posting)
    await scn.owner.say(scn.room, AFTER)
    await scn.nothing_came(AFTER)
    entries = scn.owner.entries[scn.channel]
    removed_at = next(entry["offset"] for entry in entries if entry["type"] == "member.removed")
    for wire in scn.wires:
        offsets = wire.offsets(scn.channel)
        assert offsets == list(range(offsets[0], offsets[-1] + 1))
        assert offsets[-1] <= removed_at


@asynccontextmanager
async def typing(scn: Scene, others: list[Wire]) -> AsyncIterator[None]:
    """On each gateway somebody types again as soon as the last time was told to a witness there."""
    live = f"live:{scn.room}"

    async def go_on(user: ChatUser, witness: Wire) -> None:
        while True:
            came = len(witness.publications(live))
            await user.rpc("typing", {"room": scn.room})
            await eventually(lambda: len(witness.publications(live)) > came)  # noqa: B023 - awaited in this turn

    typists = [scn.owner, scn.witnesses[1]]
    tasks = [asyncio.create_task(go_on(*pair)) for pair in zip(typists, others, strict=True)]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(one, asyncio.CancelledError) for one in ended), ended


async def live_wires(scn: Scene, dial: Dial) -> tuple[list[Wire], list[Wire]]:
    """On each gateway one of the member and one of a witness, who look at the room."""
    channel = {"channel": f"live:{scn.room}"}
    theirs = [await dial(scn.member, gateway) for gateway in (0, 1)]
    others = [await dial(witness, gateway) for gateway, witness in enumerate(scn.witnesses)]
    for wire in theirs + others:
        assert "subscribe" in await wire.call(subscribe=channel)
    return theirs, others


@pytest.mark.parametrize("stack", ["postgresql"], indirect=True)  # no database has a part in this
@pytest.mark.parametrize("seconds", [LIVE_SECONDS, LIVE_SECONDS_WITHOUT_REDIS], ids=["with Redis", "without Redis"])
async def test_ephemerals_stop_soon_after_the_removal(
    stack: Stack, scene: MakeScene, dial: Dial, seconds: float
) -> None:
    scn = await scene("private")
    theirs, others = await live_wires(scn, dial)
    live = f"live:{scn.room}"
    redis = nullcontext() if seconds == LIVE_SECONDS else stack.frozen_valkey()
    async with typing(scn, others):
        await eventually(lambda: all(wire.last_came(live) for wire in theirs + others))
        with redis:
            await remove(scn.owner, scn.room, scn.member)
            deadline = asyncio.get_running_loop().time() + seconds
            await eventually(lambda: all(wire.last_came(live) > deadline for wire in others), seconds=15)
    for wire in theirs:
        assert "rpc" in await wire.rpc("room.list")
        assert wire.last_came(live) <= deadline
