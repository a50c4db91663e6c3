"""A whole gateway in this process and whatever clients may send it.

They get an answer that says what was wrong, and everybody else goes on.
"""

import asyncio
from typing import Any

import aiohttp
import pytest
import uuid_utils

from chat_gateway.app import serve
from shared.web import StartError, bind
from tests.integration.chat_gateway.auth import ISSUER
from tests.integration.chat_gateway.running import LOBBY, Running, settings_for


async def test_the_connect_reply_carries_the_user_the_rooms_their_positions_and_the_limits(gateway: Running) -> None:
    peer = await gateway.open()
    reply = (await peer.ask(connect={"token": gateway.token(sub="ada", name="Ada")}))["connect"]
    assert reply["data"]["user"] == {"id": "ada", "name": "Ada", "picture": ""}
    assert [room["id"] for room in reply["data"]["rooms"]] == [LOBBY]
    assert reply["data"]["limits"] == {"text_characters": 8_000, "text_bytes": 32 * 1024}
    assert set(reply["subs"]) == {"user:ada", "room:lobby"}
    assert reply["subs"]["room:lobby"]["recoverable"]
    assert reply["node"] == "under-test"
    assert 0 < reply["ttl"] <= 600


async def test_rooms_false_leaves_all_subscriptions_to_the_client(gateway: Running) -> None:
    peer = await gateway.open()
    reply = await peer.ask(connect={"token": gateway.token(), "data": {"rooms": False}})
    assert "subs" not in reply["connect"]
    subscribed = await peer.ask(subscribe={"channel": "room:lobby"})
    assert subscribed["subscribe"]["offset"] >= 1


@pytest.mark.parametrize(
    ("method", "data", "code", "message"),
    [
        ("room.explode", {}, 104, "method_not_found"),
        ("room.get", {"room": "nowhere"}, 440, "room_not_found"),
        ("history.page", {"room": "nowhere"}, 440, "room_not_found"),
        ("history.page", {"room": LOBBY, "after": 1, "before": 2}, 400, "invalid_request"),
        ("history.page", {"room": LOBBY, "limit": 201}, 400, "invalid_request"),
        ("history.page", {"room": LOBBY, "limits": 5}, 400, "invalid_request"),
        ("message.post", {"room": "nowhere", "body": "x"}, 440, "room_not_found"),
        ("message.post", {"room": LOBBY, "body": ""}, 401, "empty_text"),
        ("message.post", {"room": LOBBY, "body": " \n"}, 401, "empty_text"),
        ("message.post", {"room": LOBBY, "body": "x" * 8_001}, 402, "text_too_long"),
        ("message.post", {"room": LOBBY, "body": "漢" * 7_999 + "字" * 4_000}, 402, "text_too_long"),
        ("message.post", {"room": LOBBY, "body": "a\0b"}, 400, "invalid_request"),
        ("message.post", {"room": LOBBY, "body": "x", "client_id": "mine"}, 400, "invalid_request"),
        ("message.post", {"room": LOBBY, "body": "x", "reply_to": "that"}, 400, "invalid_request"),
        ("message.post", {"room": LOBBY, "body": 5}, 400, "invalid_request"),
        ("room.create", {"name": " "}, 400, "invalid_request"),
        ("room.create", {"name": "x" * 81}, 400, "invalid_request"),
        ("room.join", {"room": "nowhere"}, 440, "room_not_found"),
        ("room.leave", {"room": "nowhere"}, 440, "room_not_found"),
        ("room.remove", {"room": LOBBY, "user": "nobody"}, 441, "member_not_found"),
        ("marker.set", {"room": "nowhere", "offset": 1}, 440, "room_not_found"),
        ("people.get", {"users": ["u"] * 501}, 400, "invalid_request"),
    ],
)
async def test_a_bad_request_is_answered_with_its_own_code_and_the_connection_stays(
    gateway: Running, method: str, data: dict[str, Any], code: int, message: str
) -> None:
    peer = await gateway.connect()
    reply = await peer.rpc(method, **data)
    assert (reply["error"]["code"], reply["error"]["message"]) == (code, message)
    assert "rpc" in await peer.rpc("room.list")


async def test_a_message_of_exactly_8000_characters_is_taken(gateway: Running) -> None:
    peer = await gateway.connect()
    assert "rpc" in await peer.rpc("message.post", room=LOBBY, body="x" * 8_000)


@pytest.mark.parametrize("text", ["{", "", "[]", '{"id":1}{"id":2}', "\x00", '{"id":-1,"ping":{}}', "{" * 2000])
async def test_broken_json_closes_that_connection_only(gateway: Running, text: str) -> None:
    bystander, peer = await gateway.connect(), await gateway.connect()
    await peer.socket.send_str(text)
    assert await peer.is_closed_with() == 3501
    assert "rpc" in await bystander.rpc("room.list")


async def test_a_frame_over_the_limit_is_refused_by_its_header(gateway: Running) -> None:
    bystander, peer = await gateway.connect(), await gateway.connect()
    await peer.socket.send_str("x" * (256 * 1024 + 1))
    assert await peer.is_closed_with() == 1009
    assert "rpc" in await bystander.rpc("room.list")


async def test_a_page_of_another_origin_may_not_connect(gateway: Running) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError) as refusal:
        await gateway.open(headers={"Origin": "http://evil.example"})
    assert refusal.value.status == 403
    peer = await gateway.open(headers={"Origin": ISSUER})
    assert not peer.socket.closed


async def test_a_plain_request_for_the_websocket_address_says_what_to_do(gateway: Running) -> None:
    async with gateway.http.get(f"{gateway.url}/connection/websocket") as answer:
        assert (answer.status, (await answer.json())["code"]) == (426, "upgrade_required")


async def test_a_channel_name_beyond_the_protocols_length_is_unknown(gateway: Running) -> None:
    peer = await gateway.connect()
    reply = await peer.ask(subscribe={"channel": "x" * 256})
    assert reply["error"] == {"code": 102, "message": "unknown_channel"}


async def test_connect_data_of_null_is_no_data(gateway: Running) -> None:
    peer = await gateway.open()
    reply = await peer.ask(connect={"token": gateway.token(), "data": None})
    assert "room:lobby" in reply["connect"]["subs"]


async def test_publish_to_a_room_is_a_post_and_to_anything_else_is_refused(gateway: Running) -> None:
    peer = await gateway.connect()
    assert (await peer.ask(publish={"channel": "room:lobby", "data": {"body": "by publish"}}))["publish"] == {}
    for channel in ("user:somebody", "elsewhere", "room:"):
        reply = await peer.ask(publish={"channel": channel, "data": {"body": "x"}})
        assert reply["error"]["message"] == "room_not_found"
    reply = await peer.ask(publish={"channel": "room:lobby", "data": {"text": "x"}})
    assert reply["error"]["code"] == 400


async def test_protocol_history_reads_forward_backward_and_the_position(gateway: Running) -> None:
    peer = await gateway.connect()
    for n in range(3):
        await peer.rpc("message.post", room=LOBBY, body=f"text {n}")
    position = (await peer.ask(history={"channel": "room:lobby"}))["history"]
    assert "publications" not in position
    head, epoch = position["offset"], position["epoch"]
    everything = (await peer.ask(history={"channel": "room:lobby", "limit": -1}))["history"]["publications"]
    assert [publication["offset"] for publication in everything] == list(range(1, head + 1))
    since = {"offset": head - 2, "epoch": epoch}
    after = (await peer.ask(history={"channel": "room:lobby", "limit": 10, "since": since}))["history"]["publications"]
    assert [publication["offset"] for publication in after] == [head - 1, head]
    newest = await peer.ask(history={"channel": "room:lobby", "limit": 2, "reverse": True})
    assert [publication["offset"] for publication in newest["history"]["publications"]] == [head, head - 1]
    foreign = {"offset": 1, "epoch": "other"}
    refused = await peer.ask(history={"channel": "room:lobby", "limit": 1, "since": foreign})
    assert refused["error"]["code"] == 112
    assert (await peer.ask(history={"channel": "user:else", "limit": 1}))["error"]["message"] == "room_not_found"


async def test_a_private_room_cannot_be_told_from_a_missing_one(gateway: Running) -> None:
    owner, stranger = await gateway.connect(), await gateway.connect()
    room = (await owner.rpc("room.create", name="Secret", kind="private"))["rpc"]["data"]["room"]["id"]
    for method, data in (
        ("room.get", {}),
        ("room.join", {}),
        ("history.page", {}),
        ("room.leave", {}),
        ("message.post", {"body": "x"}),
        ("marker.set", {"offset": 1}),
        ("room.remove", {"user": "u"}),
    ):
        real = await stranger.rpc(method, room=room, **data)
        missing = await stranger.rpc(method, room=str(uuid_utils.uuid4()), **data)
        assert real["error"] == missing["error"]
    subscribe = await stranger.ask(subscribe={"channel": f"room:{room}"})
    nothing = await stranger.ask(subscribe={"channel": f"room:{uuid_utils.uuid4()}"})
    assert subscribe["error"] == nothing["error"] == {"code": 103, "message": "permission_denied"}


async def test_a_port_in_use_is_one_sentence(sqlite_url: str, valkey_url: str) -> None:
    settings = settings_for(sqlite_url, valkey_url, auth_port=1)
    with bind(["127.0.0.1"], settings.port)[0], pytest.raises(StartError, match="is taken by another program"):
        await serve(settings, asyncio.Event())
