"""New signing keys while people talk: nobody notices those on schedule; one at once costs a reconnect and no more."""

import asyncio

import aiohttp
import jwt
import pytest
from sqlalchemy import text

from auth_service.core.keys import AHEAD
from auth_service.store.database import Database
from tests.driver import ChatUser
from tests.e2e.conftest import Arrive, Dial
from tests.e2e.conversation import new_room
from tests.e2e.rest_calls import command, send
from tests.stack import Stack


def key_of(token: str) -> str:
    return str(jwt.get_unverified_header(token)["kid"])


async def rotate(stack: Stack, *options: str) -> str:
    """Rotate by the command line; give the id of the key it names."""
    said = await asyncio.to_thread(command, stack, "keys", "rotate", *options, service="auth_service")
    return said.split()[2].strip(",")


async def published(stack: Stack, http: aiohttp.ClientSession) -> list[str]:
    async with http.get(f"{stack.base}/.well-known/jwks.json") as answer:
        return [key["kid"] for key in (await answer.json())["keys"]]


async def a_day_passes(stack: Stack) -> None:
    """For the signing keys: the database's clock cannot be moved, so they grow older."""
    database = Database(stack._databases["AUTH_DATABASE_URL"], on_change=lambda: None)
    older = int(AHEAD.total_seconds() * 1000)
    async with database._engine.begin() as connection:
        await connection.execute(text(f"UPDATE signing_key SET signs_from = signs_from - {older}"))
    await database.close()


async def talk(room: str, *people: ChatUser, about: str) -> None:
    for person in people:
        await person.say(room, f"{person.name} on {about}")
    for listener in people:
        for person in people:
            await listener.sees(room, f"{person.name} on {about}")


@pytest.fixture
async def pair(arrive: Arrive) -> tuple[ChatUser, ChatUser]:
    """Two people on two gateways."""
    return await arrive(gateway=0), await arrive(gateway=1)


async def test_nobody_notices_a_rotation_on_schedule(
    stack: Stack, http: aiohttp.ClientSession, pair: tuple[ChatUser, ChatUser]
) -> None:
    room = await new_room(*pair)
    old = key_of(pair[0].token)
    new = await rotate(stack)
    assert await published(stack, http) == [old, new]
    for person in pair:
        assert key_of(await person.renew()) == old, "it is published a day before it signs"
    await a_day_passes(stack)
    for number, person in enumerate(pair):
        assert key_of(await person.renew()) == new
        device = person.second_device()
        try:
            await device.connect(stack.gateway(number))
            await device.say(room, f"{person.name} with a token of the new key")
        finally:
            await device.leave_page()
    await talk(room, *pair, about="a new key")
    assert [person.connections for person in pair] == [1, 1]
    assert [person.disconnected for person in pair] == [None, None]


async def test_a_key_at_once_costs_everybody_a_new_token_and_nobody_the_conversation(
    stack: Stack, http: aiohttp.ClientSession, pair: tuple[ChatUser, ChatUser], dial: Dial
) -> None:
    room = await new_room(*pair)
    await talk(room, *pair, about="the old key")
    stolen = pair[0].token
    # What may be cached for minutes must not be, on the way to the gateways.
    assert key_of(stolen) in await published(stack, http)
    new = await rotate(stack, "--now")
    assert await published(stack, http) == [new]
    for person in pair:
        await person.is_connected_times(2)
        assert key_of(person.token) == new
        assert person.disconnected is None
    await talk(room, *pair, about="the new key")
    assert (await send(stack.base, stolen, "room.list"))[1]["code"] == "token_expired"
    late = pair[0].second_device()
    late.token = stolen
    try:
        await late.connect(stack.gateway(1))
        assert key_of(late.token) == new, "a client that slept through it comes back by itself"
    finally:
        await late.leave_page()
