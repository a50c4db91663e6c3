"""A whole gateway in this process, with an auth service that signs whatever a test wants: bad input and forged tokens.

Whatever a client sends, it gets an answer that says what was wrong, and everybody else goes on.
"""

import asyncio
import base64
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import jwt
import pytest
import uuid_utils
from aiohttp import web
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import SecretStr

from chat_gateway.app import serve
from chat_gateway.settings import ChatSettings
from chat_gateway.store.migrate import upgrade
from shared.web import StartError, bind
from tests.faults import free_port

ISSUER = "http://localhost:8080"
INTERNAL_KEY = "k" * 32
LOBBY = "lobby"


class Auth:
    """Signs tokens with a key of its own, and publishes that key and a feed of changes."""

    def __init__(self) -> None:
        self.key = Ed25519PrivateKey.generate()
        self.changes: list[dict[str, Any]] = []
        self.url = ""

    def token(self, *, key: Any = None, header: dict[str, Any] | None = None, **claims: Any) -> str:
        now = int(time.time())
        payload = {
            "iss": ISSUER,
            "aud": "chat",
            "sub": f"user-{uuid_utils.uuid4()}",
            "sid": "session-1",
            "jti": str(uuid_utils.uuid4()),
            "iat": now,
            "exp": now + 600,
            "name": "Somebody",
            "picture": "",
            "roles": [],
            **claims,
        }
        header = {"typ": "at+jwt", "kid": "key-1", **(header or {})}
        return jwt.encode(payload, key or self.key, algorithm=header.get("alg", "EdDSA"), headers=header)

    def public_bytes(self) -> bytes:
        return self.key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)

    async def jwks(self, _request: web.Request) -> web.Response:
        x = base64.urlsafe_b64encode(self.public_bytes()).rstrip(b"=").decode()
        return web.json_response({"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "key-1", "use": "sig", "x": x}]})

    async def feed(self, request: web.Request) -> web.Response:
        assert request.headers["Authorization"] == f"Bearer {INTERNAL_KEY}"
        after = int(request.query["after"])
        rows = [row for row in self.changes if row["n"] > after]
        return web.json_response({"changes": rows, "next": max([after, *(row["n"] for row in rows)]), "more": False})


class Peer:
    """A client that speaks the protocol by hand, one JSON text at a time."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket
        self.pushes: list[dict[str, Any]] = []
        self._id = 0

    async def ask(self, **command: Any) -> dict[str, Any]:
        self._id += 1
        await self.socket.send_str(json.dumps({"id": self._id, **command}))
        while True:
            reply = await self.hear()
            if reply.get("id") == self._id:
                return reply
            self.pushes.append(reply)

    async def rpc(self, method: str, **data: Any) -> dict[str, Any]:
        return await self.ask(rpc={"method": method, "data": data})

    async def hear(self) -> dict[str, Any]:
        reply: dict[str, Any] = json.loads(await self.socket.receive_str(timeout=5))
        return reply

    async def is_closed_with(self) -> int:
        while (message := await self.socket.receive(timeout=5)).type is not aiohttp.WSMsgType.CLOSE:
            assert message.type is aiohttp.WSMsgType.TEXT, message
        code: int = message.data
        return code


class Running:
    def __init__(self, settings: ChatSettings, auth: Auth, http: aiohttp.ClientSession) -> None:
        self.settings, self.auth, self.http = settings, auth, http
        self._peers: list[Peer] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.settings.port}"

    async def open(self, **options: Any) -> Peer:
        peer = Peer(await self.http.ws_connect(f"{self.url}/connection/websocket", autoclose=False, **options))
        self._peers.append(peer)
        return peer

    async def connect(self, **claims: Any) -> Peer:
        peer = await self.open()
        reply = await peer.ask(connect={"token": self.auth.token(**claims)})
        assert "connect" in reply, reply
        return peer

    async def is_ready(self) -> bool:
        try:
            async with self.http.get(f"http://127.0.0.1:{self.settings.ops_port}/readyz") as answer:
                return answer.status == 200
        except aiohttp.ClientError:
            return False


@asynccontextmanager
async def auth_server() -> AsyncIterator[Auth]:
    auth = Auth()
    app = web.Application()
    app.router.add_get("/.well-known/jwks.json", auth.jwks)
    app.router.add_get("/internal/changes", auth.feed)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    auth.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield auth
    await runner.cleanup()


@pytest.fixture
def chat_database(tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path}/chat.db"
    upgrade(url)
    return url


@pytest.fixture
async def gateway(chat_database: str, valkey_url: str) -> AsyncIterator[Running]:
    stop = asyncio.Event()
    async with auth_server() as auth, aiohttp.ClientSession() as http, asyncio.TaskGroup() as tasks:
        settings = settings_for(chat_database, valkey_url, auth)
        serving = tasks.create_task(serve(settings, stop))
        running = Running(settings, auth, http)
        while not await running.is_ready():
            assert not serving.done(), "it ended before it was ready"
        yield running
        stop.set()


def settings_for(database: str, redis: str, auth: Auth) -> ChatSettings:
    return ChatSettings(
        parley_mode="demo",
        public_url=ISSUER,
        internal_key=SecretStr(INTERNAL_KEY),
        redis_url=redis,
        database_url=database,
        auth_url=auth.url,
        port=free_port(),
        ops_port=free_port(),
        instance="under-test",
        drain_seconds=0,
        ping_seconds=25,
    )


async def test_the_connect_reply_carries_the_user_the_rooms_and_their_positions(gateway: Running) -> None:
    peer = await gateway.open()
    reply = (await peer.ask(connect={"token": gateway.auth.token(sub="ada", name="Ada")}))["connect"]
    assert reply["data"]["user"] == {"id": "ada", "name": "Ada", "picture": ""}
    assert [room["id"] for room in reply["data"]["rooms"]] == [LOBBY]
    assert set(reply["subs"]) == {"user:ada", "room:lobby"}
    assert reply["subs"]["room:lobby"]["recoverable"]
    assert reply["node"] == "under-test"
    assert 0 < reply["ttl"] <= 600


async def test_rooms_false_leaves_all_subscriptions_to_the_client(gateway: Running) -> None:
    peer = await gateway.open()
    reply = await peer.ask(connect={"token": gateway.auth.token(), "data": {"rooms": False}})
    assert "subs" not in reply["connect"]
    subscribed = await peer.ask(subscribe={"channel": "room:lobby"})
    assert subscribed["subscribe"]["offset"] >= 1


ATTACKS: dict[str, Callable[[Auth], str]] = {
    "another issuer": lambda auth: auth.token(iss="http://evil.example"),
    "another audience": lambda auth: auth.token(aud="mail"),
    "a list of audiences": lambda auth: auth.token(aud=["chat", "mail"]),
    "no algorithm": lambda auth: forged(auth, {"alg": "none"}, b""),
    "HS256 with the public key": lambda auth: auth.token(key=auth.public_bytes(), header={"alg": "HS256"}),
    "another type": lambda auth: auth.token(header={"typ": "JWT"}),
    "another key": lambda auth: auth.token(key=Ed25519PrivateKey.generate()),
    "a path for a key id": lambda auth: auth.token(header={"kid": "../../etc/passwd"}),
    "no token at all": lambda _auth: "not.a.token",
}


def forged(auth: Auth, header: dict[str, str], signature: bytes) -> str:
    def part(value: bytes) -> str:
        return base64.urlsafe_b64encode(value).rstrip(b"=").decode()

    body = auth.token().split(".")[1]
    return f"{part(json.dumps({'typ': 'at+jwt', 'kid': 'key-1', **header}).encode())}.{body}.{part(signature)}"


@pytest.mark.parametrize("attack", [name for name in ATTACKS if name != "a path for a key id"])
async def test_a_forged_token_is_turned_away_for_good(gateway: Running, attack: str) -> None:
    peer = await gateway.open()
    await peer.socket.send_str(json.dumps({"id": 1, "connect": {"token": ATTACKS[attack](gateway.auth)}}))
    assert await peer.is_closed_with() == 3500


async def test_an_unknown_key_is_looked_up_once_and_then_turned_away(gateway: Running) -> None:
    peer = await gateway.open()
    await peer.socket.send_str(
        json.dumps({"id": 1, "connect": {"token": ATTACKS["a path for a key id"](gateway.auth)}})
    )
    assert await peer.is_closed_with() == 3500


async def test_an_expired_token_asks_for_a_fresh_one(gateway: Running) -> None:
    peer = await gateway.open()
    reply = await peer.ask(connect={"token": gateway.auth.token(exp=int(time.time()) - 1)})
    assert reply["error"] == {"code": 109, "message": "token_expired"}


async def test_a_connect_without_a_token_is_unauthorized(gateway: Running) -> None:
    peer = await gateway.open()
    assert (await peer.ask(connect={}))["error"] == {"code": 101, "message": "unauthorized"}


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
    reply = await peer.ask(connect={"token": gateway.auth.token(), "data": None})
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


async def test_a_revoked_session_is_closed_and_its_token_refused(gateway: Running) -> None:
    token = gateway.auth.token(sid="stolen")
    peer = await gateway.open()
    await peer.ask(connect={"token": token})
    gateway.auth.changes.append({"n": 1, "kind": "session", "id": "stolen", "user": "u"})
    await ring_doorbell(gateway.settings.redis_url)
    assert await peer.is_closed_with() == 3503
    again = await gateway.open()
    await again.socket.send_str(json.dumps({"id": 1, "connect": {"token": token}}))
    assert await again.is_closed_with() == 3500


async def ring_doorbell(url: str) -> None:
    import redis.asyncio  # noqa: PLC0415 - only this test rings

    async with redis.asyncio.from_url(url) as client:
        await client.publish("parley:changes", b"")


async def test_a_port_in_use_is_one_sentence(chat_database: str, valkey_url: str) -> None:
    async with auth_server() as auth:
        settings = settings_for(chat_database, valkey_url, auth)
        with bind(["127.0.0.1"], settings.port)[0], pytest.raises(StartError, match="is taken by another program"):
            await serve(settings, asyncio.Event())
