"""Whoever deletes the account leaves no name behind: what they said stays, by somebody who is gone."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

import aiohttp
import pytest

from tests.driver import PASSWORD, ChatUser
from tests.e2e.conftest import Arrive, Dial
from tests.e2e.conversation import new_room, page_of
from tests.e2e.devices import auth_command
from tests.e2e.wires import Wire
from tests.faults import eventually
from tests.stack import Stack

Delete: TypeAlias = Callable[[Stack, ChatUser], Awaitable[None]]


async def person(asking: ChatUser, user: str) -> dict[str, Any]:
    found: list[dict[str, Any]] = (await asking.rpc("people.get", {"users": [user]}))["people"]
    return found[0]


def updates(wire: Wire, room: str) -> list[dict[str, Any]]:
    told = [publication["data"] for publication in wire.publications(f"live:{room}")]
    return [data for data in told if data["type"] == "person.updated"]


async def delete_oneself(_stack: Stack, user: ChatUser) -> None:
    await user.ask_auth("DELETE", "me", password=PASSWORD)


async def be_deleted(stack: Stack, user: ChatUser) -> None:
    assert user.id in await auth_command(stack, "user", "delete", user.email, "--yes")


@pytest.mark.parametrize("delete", [delete_oneself, be_deleted])
async def test_messages_of_somebody_deleted_are_by_nobody_with_a_name(
    stack: Stack, arrive: Arrive, dial: Dial, delete: Delete
) -> None:
    gone, stays = await arrive(gateway=0), await arrive(gateway=1)
    room = await new_room(gone, stays)
    said = await gone.say(room, "I was here.")
    wire = await dial(stays, 1)
    assert "subscribe" in await wire.call(subscribe={"channel": f"live:{room}"})
    assert (await person(stays, gone.id))["name"] == gone.name

    await delete(stack, gone)
    anonymous = {"id": gone.id, "name": "", "picture": "", "disabled": True}
    await eventually(lambda: updates(wire, room), seconds=15)
    assert updates(wire, room)[-1]["user"] == anonymous
    assert await person(stays, gone.id) == anonymous
    assert (await stays.rpc("people.search", {"query": gone.name}))["people"] == []
    await gone.is_disconnected()

    newcomer = await arrive(gateway=0)
    await newcomer.rpc("room.join", {"room": room})
    reader = await dial(newcomer, 0)
    (entry,) = [entry for entry in await page_of(newcomer, room) if entry["offset"] == said["offset"]]
    assert (entry["author"], entry["content"]["body"]) == (gone.id, "I was here.")
    assert await person(newcomer, gone.id) == anonymous
    await reader.rpc("room.get", room=room)
    await reader.rpc("people.get", users=[gone.id])
    await reader.rpc("history.page", room=room)
    assert gone.name not in reader.raw


async def test_address_of_somebody_deleted_is_free_and_leads_nowhere(stack: Stack, arrive: Arrive) -> None:
    gone = await arrive(gateway=0)
    await delete_oneself(stack, gone)
    async with aiohttp.ClientSession() as http:
        login = {"email": gone.email, "password": PASSWORD}
        async with http.post(f"{stack.base}/auth/login", json=login) as refused:
            assert (refused.status, (await refused.json())["code"]) == (401, "bad_credentials")
        async with http.post(f"{stack.base}/auth/register", json=login | {"name": "Somebody else"}) as registered:
            assert registered.status == 201
            assert (await registered.json())["user"]["id"] != gone.id
