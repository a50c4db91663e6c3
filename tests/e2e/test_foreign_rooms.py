"""A room one may not see and one that is not there are answered alike: by every verb on both faces, and by protocol."""

import uuid
from typing import Any

import aiohttp
import msgspec
import pytest

from chat_gateway.api.verbs import VERBS
from tests.driver import ChatUser
from tests.e2e.conftest import Arrive, Dial
from tests.e2e.conversation import new_room
from tests.stack import Stack

ABOUT_A_ROOM = sorted(
    name for name, verb in VERBS.items() if "room" in {field.name for field in msgspec.structs.fields(verb.request)}
)


class Scene:
    def __init__(self, member: ChatUser, outsider: ChatUser, rooms: dict[str, str], message: str) -> None:
        self.member, self.outsider, self.rooms, self.message = member, outsider, rooms, message

    def request(self, verb: str, room: str) -> dict[str, Any]:
        """All that the verb demands; what it names besides the room does exist in the foreign room."""
        values: dict[str, Any] = {
            "user": self.member.id,
            "role": "admin",
            "message": self.message,
            "thread": self.message,
            "body": "Knock, knock.",
            "emoji": "👍",
            "reason": "Curiosity",
            "follow": True,
            "muted": True,
            "offset": 1,
        }
        demanded = {field.name for field in msgspec.structs.fields(VERBS[verb].request) if field.required}
        return {"room": room, **{name: value for name, value in values.items() if name in demanded}}


@pytest.fixture
async def scene(arrive: Arrive) -> Scene:
    member, outsider, friend = await arrive(gateway=0), await arrive(gateway=1), await arrive(gateway=0)
    never = await new_room(member, kind="private")
    left = await new_room(member, outsider, kind="private")
    banned = await new_room(member, kind="private")
    direct = (await member.rpc("direct.open", {"users": [friend.id]}))["room"]["id"]
    message = (await member.say(never, "Nobody hears this."))["id"]
    await member.rpc("room.remove", {"room": left, "user": outsider.id})
    await member.rpc("room.ban", {"room": banned, "user": outsider.id})
    rooms = {"private": never, "left": left, "banned": banned, "direct": direct, "missing": str(uuid.uuid4())}
    return Scene(member, outsider, rooms, message)


async def test_no_answer_of_a_verb_tells_a_foreign_room_from_a_missing_one(
    stack: Stack, scene: Scene, dial: Dial, http: aiohttp.ClientSession
) -> None:
    wire = await dial(scene.outsider, 1)
    for verb in ABOUT_A_ROOM:
        by_rpc, by_rest = {}, {}
        for stance, room in scene.rooms.items():
            request = scene.request(verb, room)
            by_rpc[stance] = (await wire.rpc(verb, **request))["error"]
            by_rest[stance] = await seen_by_rest(http, stack.base, scene.outsider, verb, request)
        assert by_rpc["missing"]["message"] == "room_not_found", (verb, by_rpc)
        assert by_rest["missing"][0] == 404, (verb, by_rest)
        for stance in scene.rooms:
            assert by_rpc[stance] == by_rpc["missing"], (verb, stance)
            assert by_rest[stance] == by_rest["missing"], (verb, stance)


async def test_no_answer_of_the_protocol_tells_a_foreign_room_from_a_missing_one(scene: Scene, dial: Dial) -> None:
    wire = await dial(scene.outsider, 0)
    commands: list[tuple[str, dict[str, Any]]] = [
        ("subscribe", {}),
        ("subscribe", {"recover": True, "epoch": "x", "offset": 1}),
        ("publish", {"data": {"body": "Knock, knock."}}),
        ("history", {"limit": 1}),
        ("presence", {}),
        ("presence_stats", {}),
    ]
    for command, more in commands:
        for kind in ("room", "live"):
            answers = {
                stance: (await wire.call(**{command: {"channel": f"{kind}:{room}", **more}}))["error"]
                for stance, room in scene.rooms.items()
            }
            assert all(answer == answers["missing"] for answer in answers.values()), (command, kind, answers)


async def test_no_search_tells_a_foreign_room_from_a_missing_one(scene: Scene) -> None:
    for query in ("Nobody", "in:{room}", "in:{room} Nobody"):
        for room in scene.rooms.values():
            found = await scene.outsider.rpc("search.messages", {"query": query.format(room=room)})
            assert found == {"hits": []}


async def seen_by_rest(
    http: aiohttp.ClientSession, base: str, caller: ChatUser, verb: str, request: dict[str, Any]
) -> tuple[int, dict[str, Any], dict[str, str]]:
    """All that a caller sees but the request's id and the time."""
    headers = {"Authorization": f"Bearer {caller.token}"}
    async with http.post(f"{base}/api/v1/{verb}", json=request, headers=headers) as answer:
        body = await answer.json()
        body.pop("request_id")
        shown = {name.lower(): value for name, value in answer.headers.items()}
        return answer.status, body, {**shown, "date": "", "x-request-id": ""}
