"""Whoever deletes the account leaves no name behind: what they said stays, by somebody who is gone."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

import aiohttp
import pytest
from centrifuge import ReplyError

from tests.driver import PASSWORD, PATIENCE_SECONDS, ChatUser
from tests.e2e.conftest import Arrive, Dial
from tests.e2e.conversation import new_room, page_of, refused, room_of, whole_log
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


def seen(user: ChatUser, room: str) -> list[str]:
    return [entry["type"] for entry in user.entries[f"room:{room}"]]


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


@pytest.mark.parametrize("delete", [delete_oneself, be_deleted])
async def test_rooms_of_somebody_deleted_go_on_with_a_new_owner_and_a_conversation_ends(
    stack: Stack, arrive: Arrive, delete: Delete
) -> None:
    ann, ben = await arrive(gateway=0), await arrive(gateway=1)
    room = await new_room(ann, ben)
    direct = (await ben.rpc("direct.open", {"users": [ann.id]}))["room"]["id"]
    await ben.is_in(f"room:{direct}")
    await ben.say(direct, "See you.")

    await delete(stack, ann)
    await eventually(lambda: "member.left" in seen(ben, room), seconds=PATIENCE_SECONDS)
    assert seen(ben, room)[-2:] == ["member.role", "member.left"]
    told = [(entry["type"], entry["subject"]) for entry in await whole_log(ben, room)][2:]
    assert told == [("member.role", ben.id), ("member.left", ann.id)], "each once, though both gateways heard of it"
    view = await room_of(ben, room)
    assert (view["role"], view["members"]) == ("owner", 1)
    await ben.rpc("room.update", {"room": room, "topic": "Goes on"})

    assert (await room_of(ben, direct))["people"] == sorted([ann.id, ben.id])
    assert [entry["content"]["body"] for entry in await page_of(ben, direct) if entry["type"] == "message.posted"]

    async def is_refused() -> bool:
        with contextlib.suppress(ReplyError):
            await ben.say(direct, "Anybody there?")
            return False
        return True

    async with asyncio.timeout(PATIENCE_SECONDS):
        while not await is_refused():
            pass
    with refused("account_deleted"):
        await ben.say(direct, "Anybody there?")
