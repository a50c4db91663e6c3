"""The attack on a key: its bot is in rooms that the key is not for, and by no verb may it read a word of them."""

import json
from collections.abc import AsyncIterator
from typing import Any, NamedTuple, get_type_hints

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from chat_gateway.actions import changing
from chat_gateway.api.verbs import VERBS
from chat_gateway.core.api_keys import BEYOND
from chat_gateway.core.changes import Join
from chat_gateway.core.ids import UserId
from chat_gateway.store.search_index import SearchIndex
from tests.integration.chat_gateway.api.rest_api import RestApi, rest_api
from tests.integration.chat_gateway.api.samples import SAMPLES, Scene

SECRET = "snowdrop"
ABOUT_NO_ROOM = {"people.get", "people.search", "people.block", "people.unblock"}
KEPT_TO_ITS_ROOMS = {"room.list", "search.messages"}


class Attack(NamedTuple):
    """`den` is what the key is for, `outside` are rooms its bot is in all the same."""

    api: RestApi
    client: TestClient[web.Request, web.Application]
    token: str
    den: str
    outside: list[Scene]
    invite: str

    async def send(self, verb: str, wish: dict[str, Any]) -> tuple[int, str]:
        headers = {"Authorization": f"Bearer {self.token}"}
        async with self.client.post(f"/api/v1/{verb}", headers=headers, json=wish) as answer:
            return answer.status, await answer.text()

    def gives_away(self, answer: str) -> list[str]:
        words = [SECRET, *(word for scene in self.outside for word in (scene.room, scene.message))]
        return [word for word in words if word in answer]


async def speak(api: RestApi, room: str) -> Scene:
    posted = await api.rpc("ada", "message.post", {"room": room, "body": f"{SECRET} at first http://x.example"})
    about = {"room": room, "message": posted["id"]}
    await api.rpc("ada", "message.edit", about | {"body": f"{SECRET} 雪 after all http://x.example"})
    await api.rpc("ada", "message.pin", about)
    await api.rpc("ada", "message.post", {"room": room, "body": f"{SECRET} <@room>", "thread": posted["id"]})
    await api.rpc("ada", "message.post", {"room": room, "body": f"{SECRET} again", "reply_to": posted["id"]})
    return Scene(room=room, message=posted["id"])


@pytest.fixture
async def attack(url: str) -> AsyncIterator[Attack]:
    async with rest_api(url) as api, TestClient(TestServer(api.application)) as client:
        for name in ("ada", "bob"):
            await api.connect(name)
        den = (await api.rpc("ada", "room.create", {"name": "Den"}))["room"]["id"]
        await api.rpc("ada", "message.post", {"room": den, "body": "daisy"})
        token = await api.make_key(verbs=sorted(VERBS.keys() - BEYOND), rooms=[den])
        bot = UserId(f"bot:{token.split('_')[1]}")
        rooms = [(await api.rpc("ada", "direct.open", {"users": [bot]}))["room"]["id"]]
        for kind in ("public", "private"):
            made = await api.rpc("ada", "room.create", {"name": f"{SECRET} {kind}", "kind": kind})
            rooms.append(made["room"]["id"])
            await changing.make(api.chat, bot, Join, rooms[-1], admitted=True)
        invite = (await api.rpc("ada", "room.invite", {"room": rooms[-1]}))["invite"]
        outside = [await speak(api, room) for room in rooms]
        while await SearchIndex(api.database).catch_up():
            pass
        yield Attack(api, client, token, den, outside, invite)


def test_each_verb_names_its_room_or_is_known_to_be_kept_from_others() -> None:
    without = {verb for verb, one in VERBS.items() if "room" not in get_type_hints(one.request)}
    assert without == ABOUT_NO_ROOM | KEPT_TO_ITS_ROOMS | BEYOND


async def test_by_no_verb_a_key_reads_a_room_outside_its_scope(attack: Attack) -> None:
    for verb, sample in SAMPLES.items():
        for scene in attack.outside:
            wish = sample(scene)[1]
            status, answer = await attack.send(verb, wish)
            assert not attack.gives_away(answer), verb
            if "room" in wish or verb in BEYOND:
                assert (status, json.loads(answer)["code"]) == (403, "outside_scope"), verb
            else:
                assert status == 200, verb


async def test_nothing_of_another_room_is_read_through_the_keys_own_one(attack: Attack) -> None:
    for scene in attack.outside:
        for verb, wish in (
            ("thread.page", {"thread": scene.message}),
            ("thread.follow", {"thread": scene.message, "follow": True}),
            ("message.revisions", {"message": scene.message}),
            ("message.react", {"message": scene.message, "emoji": ":x:"}),
            ("message.report", {"message": scene.message, "reason": "x"}),
            ("message.post", {"body": "x", "thread": scene.message}),
            ("message.post", {"body": "x", "reply_to": scene.message}),
        ):
            status, answer = await attack.send(verb, {"room": attack.den, **wish})
            assert (status, json.loads(answer)["code"]) == (404, "message_not_found"), verb
    status, answer = await attack.send("room.join", {"invite": attack.invite})
    assert (status, json.loads(answer)["code"]) == (403, "outside_scope")


async def test_a_search_by_a_key_finds_what_its_rooms_hold_and_nothing_else(attack: Attack) -> None:
    found = json.loads((await attack.send("search.messages", {"query": "from:ada"}))[1])["hits"]
    assert [(hit["room"], hit["entry"]["content"]["body"]) for hit in found] == [(attack.den, "daisy")]
    outside = [f"in:{scene.room}" for scene in attack.outside]
    for query in (SECRET, SECRET[2:5], "雪", f'"{SECRET}"', "has:link", "has:pin", f'in:"{SECRET} private"', *outside):
        assert await attack.send("search.messages", {"query": query}) == (200, '{"hits":[]}'), query
    room = attack.outside[0].room
    status, answer = await attack.send(
        "search.messages", {"query": "from:ada", "after": f"9999999999999.99.{room}", "limit": 1}
    )
    assert (status, attack.gives_away(answer)) == (200, [])


async def test_a_list_by_a_key_has_its_rooms_only_and_no_place_among_others(attack: Attack) -> None:
    for scope in ("mine", "public"):
        listed = json.loads((await attack.send("room.list", {"scope": scope}))[1])
        assert ([room["id"] for room in listed["rooms"]], listed["more"]) == ([attack.den], False)
    for scene in attack.outside:
        status, answer = await attack.send("room.list", {"scope": "public", "after": scene.room})
        assert (status, json.loads(answer)["code"]) == (404, "room_not_found")
        assert not attack.gives_away(answer)
