"""Who is there: what those who look at a room are told of the others, across gateways, whatever dies."""

import asyncio
from typing import Any

import aiohttp
import pytest

from tests.driver import PATIENCE_SECONDS, ChatUser
from tests.e2e.conftest import Arrive, Dial
from tests.e2e.conversation import new_room
from tests.e2e.wires import Wire
from tests.faults import eventually
from tests.stack import Stack

pytestmark = pytest.mark.parametrize("stack", ["postgresql"], indirect=True)
"""No database has a part in this: it is the one that runs already."""

TTL_SECONDS = 20
"""Above that of the stack, and far below the default."""


async def looks(dial: Dial, user: ChatUser, gateway: int, room: str) -> Wire:
    wire = await dial(user, gateway)
    assert "subscribe" in await wire.call(subscribe={"channel": f"live:{room}"})
    return wire


def told(wire: Wire, room: str, kind: str) -> list[dict[str, Any]]:
    everything = [publication["data"] for publication in wire.publications(f"live:{room}")]
    return [one for one in everything if one["type"] == kind]


def stands(wire: Wire, room: str, user: str) -> str:
    """What somebody who looks at the room holds of a person after all that was told."""
    known = ""
    for one in told(wire, room, "presence.changed"):
        known = next((state for state in ("online", "offline") if user in one[state]), known)
    return known


async def present(wire: Wire, room: str) -> set[str] | None:
    """Whom the protocol calls present; None where nobody knows."""
    reply = await wire.call(presence={"channel": f"room:{room}"})
    if "error" in reply:
        assert reply["error"]["code"] == 100
        assert reply["error"]["temporary"]
        return None
    return set(reply["presence"]["presence"])


async def until_present(wire: Wire, room: str, expected: set[str] | None, seconds: float = PATIENCE_SECONDS) -> None:
    async with asyncio.timeout(seconds):
        while await present(wire, room) != expected:
            pass


async def test_whoever_comes_is_online_for_those_on_the_other_gateway(arrive: Arrive, dial: Dial) -> None:
    watcher, other = await arrive(gateway=1), await arrive(gateway=0)
    room = await new_room(watcher, other)
    wire = await looks(dial, watcher, 1, room)
    await until_present(wire, room, {watcher.id, other.id})
    late = await arrive(gateway=0)
    await late.rpc("room.join", {"room": room})
    await until_present(wire, room, {watcher.id, other.id, late.id})
    await eventually(lambda: stands(wire, room, late.id) == "online")


async def test_the_people_of_a_killed_gateway_are_offline_for_the_others_within_the_ttl(
    stack: Stack, arrive: Arrive, dial: Dial
) -> None:
    watcher, victim = await arrive(gateway=1), await ChatUser.register(stack.base)
    room = (await watcher.rpc("room.create", {"name": "Watch"}))["room"]["id"]
    wire = await looks(dial, watcher, 1, room)
    theirs = await dial(victim, 0)
    assert "rpc" in await theirs.rpc("room.join", room=room)
    await until_present(wire, room, {watcher.id, victim.id})
    await eventually(lambda: stands(wire, room, victim.id) == "online")
    stack.kill_gateway(0)
    try:
        await eventually(lambda: stands(wire, room, victim.id) == "offline", seconds=TTL_SECONDS)
        assert await present(wire, room) == {watcher.id}
    finally:
        stack.start_gateway(0)
        stack.wait_for_gateway(0)
        await victim.leave_page()


async def test_nobody_is_called_offline_while_redis_is_away(stack: Stack, arrive: Arrive, dial: Dial) -> None:
    watcher, other = await arrive(gateway=1), await arrive(gateway=0)
    room = await new_room(watcher, other)
    wire = await looks(dial, watcher, 1, room)
    await until_present(wire, room, {watcher.id, other.id})
    stack.kill_valkey()
    try:
        await eventually(lambda: told(wire, room, "presence.unknown"))
        await until_present(wire, room, None)
    finally:
        stack.start_valkey()
    await until_present(wire, room, {watcher.id, other.id})
    assert not [one for one in told(wire, room, "presence.changed") if other.id in one["offline"]]


async def test_typing_and_reading_are_told_to_those_who_look_at_the_room(arrive: Arrive, dial: Dial) -> None:
    watcher, other, elsewhere = await arrive(gateway=1), await arrive(gateway=0), await arrive(gateway=1)
    room = await new_room(watcher, other, elsewhere)
    wire, blind = await looks(dial, watcher, 1, room), await dial(elsewhere, 1)
    await other.rpc("typing", {"room": room})
    await eventually(lambda: other.id in [user for one in told(wire, room, "typing") for user in one["users"]])
    offset = (await watcher.say(room, "Read this."))["offset"]
    await other.rpc("marker.set", {"room": room, "offset": offset})
    await eventually(lambda: any(one["markers"].get(other.id) == offset for one in told(wire, room, "receipts")))
    receipts = await watcher.rpc("receipts.get", {"room": room, "offset": offset})
    assert receipts["markers"][other.id] == offset
    assert "rpc" in await blind.rpc("room.list")
    assert not blind.publications(f"live:{room}")


async def test_a_new_name_is_told_to_those_who_look_at_a_room_of_theirs(
    stack: Stack, arrive: Arrive, dial: Dial, http: aiohttp.ClientSession
) -> None:
    watcher, other = await arrive(gateway=1), await arrive(gateway=0)
    room = await new_room(watcher, other)
    wire = await looks(dial, watcher, 1, room)
    headers = {"Authorization": f"Bearer {other.token}"}
    async with http.patch(f"{stack.base}/auth/me", json={"name": "Newly Named"}, headers=headers) as answer:
        assert answer.status == 200, await answer.text()
    await eventually(lambda: told(wire, room, "person.updated"), seconds=30)
    person = told(wire, room, "person.updated")[-1]["user"]
    assert (person["id"], person["name"]) == (other.id, "Newly Named")
    assert (await watcher.rpc("people.get", {"users": [other.id]}))["people"][0]["name"] == "Newly Named"
