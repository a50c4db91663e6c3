"""A whole gateway with small limits: what it refuses, and what it says then."""

import json
from typing import Any

import aiohttp
import pytest

from chat_gateway.realtime.refusals import Reason
from tests.counters import counting
from tests.integration.chat_gateway.running import LOBBY, Running, running_gateway


async def post_by_rest(gateway: Running, user: str) -> tuple[int, dict[str, Any], str]:
    headers = {"Authorization": f"Bearer {gateway.token(sub=user)}"}
    wish = {"room": LOBBY, "body": "by rest"}
    async with gateway.http.post(f"{gateway.url}/api/v1/message.post", json=wish, headers=headers) as answer:
        return answer.status, await answer.json(), answer.headers.get("Retry-After", "")


async def test_a_user_has_one_pace_for_rpc_publish_and_rest(sqlite_url: str, valkey_url: str) -> None:
    async with running_gateway(sqlite_url, valkey_url, messages_burst=3, messages_per_minute=1) as gateway:
        peer = await gateway.connect(sub="ada")
        assert "rpc" in await peer.rpc("message.post", room=LOBBY, body="by rpc")
        assert "publish" in await peer.ask(publish={"channel": f"room:{LOBBY}", "data": {"body": "by publish"}})
        assert (await post_by_rest(gateway, "ada"))[0] == 200
        with counting(Reason.MESSAGES, 3):
            by_rpc = await peer.rpc("message.post", room=LOBBY, body="x")
            by_publish = await peer.ask(publish={"channel": f"room:{LOBBY}", "data": {"body": "x"}})
            status, problem, wait = await post_by_rest(gateway, "ada")
        assert by_rpc["error"]["message"] == f"rate_limited retry_after={wait}"
        assert by_publish["error"] == by_rpc["error"] | {"code": 490, "temporary": True}
        assert (status, problem["code"], problem["retry_after"]) == (429, "rate_limited", int(wait))
        assert 50 < int(wait) <= 60
        assert (await post_by_rest(gateway, "bob"))[0] == 200


async def test_edits_have_the_pace_of_messages(sqlite_url: str, valkey_url: str) -> None:
    async with running_gateway(sqlite_url, valkey_url, messages_burst=21, messages_per_minute=1) as gateway:
        peer = await gateway.connect(sub="ada")
        posted = await peer.rpc("message.post", room=LOBBY, body="text 0")
        wish = {"room": LOBBY, "message": posted["rpc"]["data"]["id"]}
        for number in range(1, 21):
            assert "rpc" in await peer.rpc("message.edit", **wish, body=f"text {number}")
        refused = await peer.rpc("message.edit", **wish, body="text 21")
        assert refused["error"]["code"] == 490
        assert refused["error"]["message"].startswith("rate_limited ")
        headers = {"Authorization": f"Bearer {gateway.token(sub='ada')}"}
        edit = wish | {"body": "text 22"}
        async with gateway.http.post(f"{gateway.url}/api/v1/message.edit", json=edit, headers=headers) as answer:
            assert (answer.status, (await answer.json())["code"]) == (429, "rate_limited")


async def test_new_direct_rooms_have_a_pace_of_their_own_by_rpc_and_rest(sqlite_url: str, valkey_url: str) -> None:
    async with running_gateway(sqlite_url, valkey_url, directs_per_hour=2) as gateway:
        for user in ("bob", "cy", "dan"):
            await gateway.connect(sub=user)
        peer = await gateway.connect(sub="ada")
        headers = {"Authorization": f"Bearer {gateway.token(sub='ada')}"}
        url = f"{gateway.url}/api/v1/direct.open"
        assert "rpc" in await peer.rpc("direct.open", users=["bob"])
        async with gateway.http.post(url, json={"users": ["cy"]}, headers=headers) as answer:
            assert answer.status == 200
        with counting(Reason.DIRECTS, 2):
            by_rpc = (await peer.rpc("direct.open", users=["dan"]))["error"]
            async with gateway.http.post(url, json={"users": ["dan"]}, headers=headers) as answer:
                status, problem, wait = answer.status, await answer.json(), answer.headers["Retry-After"]
        assert (by_rpc["code"], by_rpc["message"]) == (490, f"rate_limited retry_after={wait}")
        assert (status, problem["code"]) == (429, "rate_limited")
        assert 1_700 < int(wait) <= 1_800
        for _ in range(3):
            assert "rpc" in await peer.rpc("direct.open", users=["bob"])
        other = await gateway.connect(sub="dan")
        assert "rpc" in await other.rpc("direct.open", users=["ada"])


@pytest.mark.parametrize(("length", "code"), [(255, "room_not_found"), (256, "invalid_request")])
async def test_an_identifier_of_255_characters_is_looked_up_and_a_longer_one_is_refused(
    sqlite_url: str, valkey_url: str, length: int, code: str
) -> None:
    room = "r" * length
    async with running_gateway(sqlite_url, valkey_url) as gateway:
        peer = await gateway.connect(sub="ada")
        for verb in ("typing", "room.get"):
            assert (await peer.rpc(verb, room=room))["error"]["message"].split()[0] == code
        headers = {"Authorization": f"Bearer {gateway.token(sub='bob')}"}
        async with gateway.http.post(f"{gateway.url}/api/v1/typing", json={"room": room}, headers=headers) as answer:
            assert (answer.status, (await answer.json())["code"]) == (400 if length > 255 else 404, code)


async def test_calls_of_the_rest_face_have_a_pace(sqlite_url: str, valkey_url: str) -> None:
    async with running_gateway(sqlite_url, valkey_url, commands_burst=2, commands_per_minute=1) as gateway:
        statuses = [(await post_by_rest(gateway, "ada"))[0] for _ in range(3)]
        assert statuses == [200, 200, 429]
        async with gateway.http.get(f"{gateway.url}/api/v1/openapi.json") as answer:
            assert answer.status == 200


async def test_a_gateway_whose_loop_is_late_takes_nobody_new_and_says_when_to_come_back(
    sqlite_url: str, valkey_url: str
) -> None:
    async with running_gateway(sqlite_url, valkey_url, loop_lag_seconds=1e-9) as gateway:
        with pytest.raises(aiohttp.WSServerHandshakeError) as refusal, counting(Reason.LOOP_LAG, 1):
            await gateway.open()
        assert refusal.value.status == 503
        assert refusal.value.headers is not None
        assert 1 <= int(refusal.value.headers["Retry-After"]) <= 5
        headers = {"Origin": gateway.settings.public_origin}
        async with gateway.http.post(f"{gateway.url}/connection/http_stream", data="{}", headers=headers) as answer:
            assert (answer.status, (await answer.json())["code"]) == (503, "overloaded")
            assert answer.headers["Access-Control-Allow-Origin"] == headers["Origin"]
        assert (await post_by_rest(gateway, "ada"))[0] == 200


async def test_the_connection_beyond_a_users_limit_ends_the_oldest(sqlite_url: str, valkey_url: str) -> None:
    async with running_gateway(sqlite_url, valkey_url, sockets_per_user=1) as gateway:
        oldest = await gateway.connect(sub="ada")
        bystander = await gateway.connect(sub="bob")
        newest = await gateway.connect(sub="ada")
        assert await oldest.is_closed_with() == 3504
        for peer in (bystander, newest):
            assert "rpc" in await peer.rpc("room.list")


@pytest.mark.parametrize(("size", "is_read"), [(131_072, True), (131_073, False)])
async def test_the_largest_message_of_a_client_is_a_setting(
    sqlite_url: str, valkey_url: str, size: int, *, is_read: bool
) -> None:
    async with running_gateway(sqlite_url, valkey_url, frame_bytes=131_072) as gateway:
        peer = await gateway.connect()
        command = json.dumps({"id": 2, "rpc": {"method": "room.list", "data": {}}})
        with counting(Reason.MESSAGE_SIZE, 0 if is_read else 1):
            await peer.socket.send_str(command + " " * (size - len(command)))
            if is_read:
                assert "rpc" in await peer.hear()
            else:
                assert await peer.is_closed_with() == 1009
        over = {"session": "s", "node": "under-test", "data": "x" * size}
        async with gateway.http.post(f"{gateway.url}/emulation", json=over) as answer:
            assert answer.status == (404 if is_read else 413)
        async with gateway.http.post(f"{gateway.url}/connection/http_stream", data="{" + " " * (size - 1)) as answer:
            assert answer.status == (200 if is_read else 413)
