"""Who is let in: people by tokens of auth, bots by keys of ours, and nobody by a cookie."""

import time
from typing import Any

import pytest
from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient, TestServer

from chat_gateway.core.ids import UserId
from tests.integration.chat_gateway.api.conftest import Send
from tests.integration.chat_gateway.api.rest_api import RestApi, rest_api

Client = TestClient[web.Request, web.Application]


async def refused(answer: ClientResponse) -> tuple[str, str]:
    assert answer.status == 401
    assert answer.content_type == "application/problem+json"
    return (await answer.json())["code"], answer.headers["WWW-Authenticate"]


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "Basic YTpi", "token"])
async def test_without_a_bearer_token_nobody_is_let_in(client: Client, api: RestApi, header: str | None) -> None:
    headers = {} if header is None else {"Authorization": header}
    cookies = {"access_token": api.signer.token("ada"), "__Host-refresh": "x"}
    answer = await client.post("/api/v1/room.list", json={}, headers=headers, cookies=cookies)
    code, challenge = await refused(answer)
    assert (code, challenge.startswith('Bearer realm="parley"')) == ("unauthorized", True)


@pytest.mark.parametrize(
    ("claims", "code"),
    [
        ({"exp": int(time.time()) - 1}, "token_expired"),
        ({"iss": "http://evil.example"}, "invalid_token"),
        ({"aud": "mail"}, "invalid_token"),
    ],
)
async def test_a_token_that_does_not_hold_is_refused(
    send: Send, api: RestApi, claims: dict[str, Any], code: str
) -> None:
    answer = await send("room.list", token=api.signer.token("ada", **claims))
    assert await refused(answer) == (code, 'Bearer realm="parley", error="invalid_token"')


@pytest.mark.parametrize("token", ["nonsense", "a.b.c", "x" * 5_000, "parley_", "parley_0123456789ab_short"])
async def test_what_is_no_token_is_refused(send: Send, token: str) -> None:
    assert (await refused(await send("room.list", token=token)))[0] == "invalid_token"


async def test_who_was_never_seen_is_known_and_in_the_default_room(send: Send, api: RestApi) -> None:
    rooms = (await (await send("room.list", who="newcomer")).json())["rooms"]
    assert [room["id"] for room in rooms] == ["lobby"]
    people = (await api.rpc("ada", "people.get", {"users": ["newcomer"]}))["people"]
    assert people == [{"id": "newcomer", "name": "Newcomer", "picture": "", "disabled": False}]


async def test_who_left_the_default_room_is_not_taken_back(send: Send) -> None:
    for _ in range(2):
        await send("room.leave", {"room": "lobby"}, who="hermit")
        assert (await (await send("room.list", who="hermit")).json())["rooms"] == []


async def test_a_person_is_taken_in_once_and_the_oldest_are_forgotten_first(sqlite_url: str) -> None:
    async with rest_api(sqlite_url, most_remembered=2) as api, TestClient(TestServer(api.application)) as client:

        async def is_taken_in(name: str) -> bool:
            await api.database.write(("DELETE FROM person WHERE id = :id", [{"id": name}]))
            headers = {"Authorization": f"Bearer {api.signer.token(name)}"}
            await client.post("/api/v1/room.list", json={}, headers=headers)
            return bool(await api.chat.people.get([UserId(name)]))

        seen = [await is_taken_in(name) for name in ("ada", "bob", "ada", "cy", "bob", "ada")]
        assert seen == [True, True, False, True, False, True]


async def test_a_key_acts_as_its_bot_within_its_scope(send: Send, api: RestApi) -> None:
    key = await api.make_key(verbs=["message.post", "history.page"], rooms=["lobby"])
    posted = await send("message.post", {"room": "lobby", "body": "The build is green."}, token=key)
    assert posted.status == 200
    entries = (await (await send("history.page", {"room": "lobby"}, token=key)).json())["entries"]
    author = f"bot:{key.split('_')[1]}"
    assert [entry["author"] for entry in entries if entry["type"] == "message.posted"] == [author]
    people = (await api.rpc("ada", "people.get", {"users": [author]}))["people"]
    assert people == [{"id": author, "name": "CI", "picture": "", "disabled": False}]


async def test_a_key_is_refused_outside_its_scope(send: Send, api: RestApi) -> None:
    room = (await api.rpc("ada", "room.create", {"name": "Den"}))["room"]["id"]
    key = await api.make_key(verbs=["message.post", "people.get"], rooms=["lobby"])
    for verb, data in (
        ("message.post", {"room": room, "body": "x"}),
        ("message.post", {"room": "nowhere", "body": "x"}),
        ("history.page", {"room": "lobby"}),
        ("room.list", {}),
    ):
        answer = await send(verb, data, token=key)
        assert (answer.status, (await answer.json())["code"]) == (403, "outside_scope")
    assert (await send("people.get", {"users": []}, token=key)).status == 200


async def test_a_bot_is_not_taken_to_the_default_room(send: Send, api: RestApi) -> None:
    key = await api.make_key(verbs=["room.list"], rooms=[])
    assert await (await send("room.list", token=key)).json() == {"rooms": [], "more": False}


async def test_a_revoked_key_is_refused_within_5_seconds(send: Send, api: RestApi) -> None:
    key = await api.make_key(verbs=["room.list"], rooms=["lobby"])
    assert (await send("room.list", token=key)).status == 200
    await api.keys.revoke(key.split("_")[1], now=1)
    api.clock.pass_seconds(3.9)
    assert (await send("room.list", token=key)).status == 200, "still believed: no database is asked each time"
    api.clock.pass_seconds(1)
    assert (await refused(await send("room.list", token=key)))[0] == "invalid_token"


async def test_a_key_of_another_secret_is_refused(send: Send, api: RestApi) -> None:
    key = await api.make_key(verbs=["room.list"], rooms=["lobby"])
    assert (await refused(await send("room.list", token=key[:-1] + "x")))[0] == "invalid_token"
