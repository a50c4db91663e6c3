"""Back ends and bots: the REST face through the front, beside people who are connected to either gateway."""

import asyncio
import time

import aiohttp

from tests.driver import ChatUser
from tests.e2e.conftest import Arrive
from tests.e2e.rest_calls import command, send
from tests.stack import Stack

REVOCATION_SECONDS = 5


async def test_what_a_person_who_never_connected_posts_by_rest_is_seen_on_both_gateways(
    stack: Stack, arrive: Arrive
) -> None:
    listeners = [await arrive(gateway=0), await arrive(gateway=1)]
    caller = await ChatUser.register(stack.base)
    status, posted = await send(stack.base, caller.token, "message.post", room="lobby", body=f"from {caller.name}")
    assert status == 200, posted
    for listener in listeners:
        seen = await listener.sees("lobby", f"from {caller.name}")
        assert (seen["id"], seen["author"]) == (posted["id"], caller.id)
    await caller.leave_page()


async def test_a_bot_posts_and_reads_in_its_room_until_its_key_is_revoked(stack: Stack, arrive: Arrive) -> None:
    owner = await arrive(gateway=1)
    room = (await owner.rpc("room.create", {"name": "Builds", "kind": "private"}))["room"]["id"]
    verbs = ("--verb", "message.post", "--verb", "history.page")
    key = await asyncio.to_thread(command, stack, "key", "create", "--name", "CI", "--room", room, *verbs)
    bases = [stack.base, *(f"http://127.0.0.1:{port}" for port in stack.ports.gateways)]

    for base in bases:
        status, _ = await send(base, key, "message.post", room=room, body=f"green, says {base}")
        assert status == 200
        await owner.sees(room, f"green, says {base}")
    assert (await send(stack.base, key, "history.page", room=room))[0] == 200
    assert (await send(stack.base, key, "message.post", room="lobby", body="hello"))[1]["code"] == "outside_scope"

    await asyncio.to_thread(command, stack, "key", "revoke", key.split("_")[1])
    until = time.monotonic() + REVOCATION_SECONDS
    for base in bases:
        while (await send(base, key, "history.page", room=room))[0] != 401:
            assert time.monotonic() < until, "a revoked key is still believed"
    assert (await send(stack.base, key, "history.page", room=room))[1]["code"] == "invalid_token"


async def test_the_documentation_is_served_by_the_front(stack: Stack) -> None:
    async with aiohttp.ClientSession() as http, http.get(f"{stack.base}/api/v1/openapi.json") as answer:
        assert answer.status == 200
        assert "/message.post" in (await answer.json())["paths"]
