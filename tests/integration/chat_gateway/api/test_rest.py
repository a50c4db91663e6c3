"""The REST face: the same verbs over HTTP, with problem documents for refusals."""

import contextlib
import io
import json
import re
from typing import Any

import msgspec
import pytest
from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient, TestServer

from chat_gateway.api.entry_schema import Content, Entry
from chat_gateway.api.verbs import VERBS
from shared.errors import AppError
from tests.integration.chat_gateway.api.conftest import Send
from tests.integration.chat_gateway.api.rest_api import RestApi, rest_api
from tests.integration.chat_gateway.api.samples import SAMPLES, Scene, prepare, shape

Client = TestClient[web.Request, web.Application]


async def problem(answer: ClientResponse) -> tuple[int, str]:
    assert answer.content_type == "application/problem+json"
    document = await answer.json()
    assert document["status"] == answer.status
    assert document["request_id"] == answer.headers["X-Request-Id"]
    return answer.status, document["code"]


async def test_a_message_posted_by_rest_is_in_the_history(send: Send) -> None:
    posted = await send("message.post", {"room": "lobby", "body": "hello"})
    assert posted.status == 200
    page = await (await send("history.page", {"room": "lobby"}, who="bob")).json()
    said = [entry for entry in page["entries"] if entry["type"] == "message.posted"]
    assert [(entry["id"], entry["author"]) for entry in said] == [((await posted.json())["id"], "ada")]


async def test_a_repeated_client_id_answers_the_first_result(send: Send) -> None:
    wish = {"room": "lobby", "body": "once", "client_id": "01900000-0000-7000-8000-000000000009"}
    first, second = [await (await send("message.post", wish)).json() for _ in range(2)]
    assert first == second
    assert await problem(await send("message.post", wish | {"body": "twice"})) == (409, "client_id_conflict")


@pytest.fixture
async def scene(api: RestApi) -> Scene:
    return await prepare(api)


@pytest.mark.parametrize("verb", VERBS)
async def test_rest_and_rpc_give_the_same_answer(api: RestApi, scene: Scene, send: Send, verb: str) -> None:
    who, data = SAMPLES[verb](scene)
    by_rpc = await api.rpc(who, verb, data)
    answer = await send(verb, data, who=who)
    by_rest = await answer.json()
    assert answer.status == 200, by_rest
    assert answer.headers["Cache-Control"] == "no-store"
    assert shape(by_rest) == shape(by_rpc)
    if verb not in NEW_EACH_TIME:
        assert by_rest == by_rpc


NEW_EACH_TIME = {"room.invite"}


async def test_every_entry_that_verbs_make_has_the_documented_shape(api: RestApi, scene: Scene) -> None:
    everything = []
    for verb, sample in SAMPLES.items():
        who, data = sample(scene)
        with contextlib.suppress(AppError):
            await api.rpc(who, verb, data)
        everything += (await api.rpc("ada", "history.page", {"room": scene.room, "limit": 200}))["entries"]
    assert len({entry["type"] for entry in everything}) > 3
    for entry in everything:
        msgspec.convert(entry, Entry)
        assert entry["content"].keys() <= {field.name for field in msgspec.structs.fields(Content)}


@pytest.mark.parametrize(
    ("verb", "data", "expected"),
    [
        ("room.get", {"room": "nowhere"}, (404, "room_not_found")),
        ("room.get", {"room": 1}, (400, "invalid_request")),
        ("room.get", {}, (400, "invalid_request")),
        ("room.get", {"room": "lobby", "more": 1}, (400, "invalid_request")),
        ("message.post", {"room": "lobby", "body": " "}, (400, "empty_text")),
        ("message.post", {"room": "lobby", "body": "x" * 8_001}, (413, "text_too_long")),
        ("room.remove", {"room": "lobby", "user": "bob"}, (403, "not_allowed")),
        ("room.explode", {}, (404, "not_found")),
    ],
)
async def test_a_refusal_is_a_problem_with_its_code(
    send: Send, verb: str, data: dict[str, Any], expected: tuple[int, str]
) -> None:
    await send("room.list", who="bob")
    assert await problem(await send(verb, data)) == expected


async def test_a_refusal_of_a_field_names_it(send: Send) -> None:
    document = await (await send("room.get", {"room": 1})).json()
    assert document["errors"] == {"room": "Expected `str`, got `int`"}


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'{"room":"\xff"}', b"[" * 100_000, b"\xef\xbb\xbf{}"])
async def test_what_is_no_json_object_is_refused(send: Send, body: bytes) -> None:
    answer = await send("room.get", raw=body)
    assert await problem(answer) == (400, "invalid_request")


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
async def test_what_a_form_of_a_foreign_page_can_send_is_refused(send: Send, content_type: str) -> None:
    answer = await send("room.list", raw=b"{}", kind=content_type)
    assert await problem(answer) == (415, "unsupported_media_type")


async def test_a_body_over_1_mib_is_refused_announced_or_not(send: Send) -> None:
    async def drop_by_drop() -> Any:
        for _ in range(17):
            yield b" " * 65536

    large = json.dumps({"room": "x" * (1 << 20)}).encode()
    for body in (io.BytesIO(large), drop_by_drop()):
        answer = await send("room.get", raw=body)
        assert await problem(answer) == (413, "body_too_large")


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "OPTIONS"])
async def test_a_verb_is_a_post_and_no_other_origin_is_let_in(client: Client, method: str) -> None:
    answer = await client.request(method, "/api/v1/room.list", headers={"Origin": "http://evil.example"})
    assert await problem(answer) == (405, "method_not_allowed")
    assert answer.headers["Allow"] == "POST"
    assert not [name for name in answer.headers if name.startswith("Access-Control")]


async def test_the_documentation_needs_no_token_and_is_sent_once(client: Client) -> None:
    answer = await client.get("/api/v1/openapi.json")
    assert (answer.status, answer.content_type) == (200, "application/json")
    assert (await answer.json())["openapi"] == "3.1.0"
    again = await client.get("/api/v1/openapi.json", headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status, await again.read()) == (304, b"")
    changed = await client.get("/api/v1/openapi.json", headers={"If-None-Match": '"another"'})
    assert changed.status == 200
    assert re.fullmatch(r"public, max-age=\d+", again.headers["Cache-Control"])


async def test_other_addresses_keep_their_own_headers(client: Client) -> None:
    assert "Cache-Control" not in (await client.get("/nowhere")).headers


async def test_while_no_key_of_auth_is_there_the_answer_is_not_now(sqlite_url: str) -> None:
    opened = rest_api(sqlite_url, keys_are_away=True)
    async with opened as api, TestClient(TestServer(api.application)) as client:
        headers = {"Authorization": f"Bearer {api.signer.token('ada')}"}
        answer = await client.post("/api/v1/room.list", json={}, headers=headers)
        assert await problem(answer) == (503, "keys_unavailable")
