"""Tokens at a whole gateway: forged ones, expired ones, and those of sessions that have ended."""

import base64
import json
import time
from collections.abc import Callable

import pytest
import redis.asyncio
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from shared.events import DOORBELL
from tests.integration.chat_gateway.auth import Issuer
from tests.integration.chat_gateway.running import Running

ATTACKS: dict[str, Callable[[Issuer], str]] = {
    "another issuer": lambda issuer: issuer.token(iss="http://evil.example"),
    "another audience": lambda issuer: issuer.token(aud="mail"),
    "a list of audiences": lambda issuer: issuer.token(aud=["chat", "mail"]),
    "no algorithm": lambda issuer: forged(issuer, {"alg": "none"}, b""),
    "HS256 with the public key": lambda issuer: issuer.token(key=issuer.public_bytes(), header={"alg": "HS256"}),
    "another type": lambda issuer: issuer.token(header={"typ": "JWT"}),
    "another key": lambda issuer: issuer.token(key=Ed25519PrivateKey.generate()),
    "a path for a key id": lambda issuer: issuer.token(header={"kid": "../../etc/passwd"}),
    "no token at all": lambda _issuer: "not.a.token",
}


def forged(issuer: Issuer, header: dict[str, str], signature: bytes) -> str:
    def part(value: bytes) -> str:
        return base64.urlsafe_b64encode(value).rstrip(b"=").decode()

    body = issuer.token().split(".")[1]
    return f"{part(json.dumps({'typ': 'at+jwt', 'kid': 'key-1', **header}).encode())}.{body}.{part(signature)}"


@pytest.mark.parametrize("attack", [name for name in ATTACKS if name != "a path for a key id"])
async def test_a_forged_token_is_turned_away_for_good(gateway: Running, attack: str) -> None:
    peer = await gateway.open()
    await peer.socket.send_str(json.dumps({"id": 1, "connect": {"token": ATTACKS[attack](gateway.auth.issuer)}}))
    assert await peer.is_closed_with() == 3500


async def test_an_unknown_key_is_looked_up_once_and_ends_nobody_for_good_soon_after_a_start(gateway: Running) -> None:
    token = ATTACKS["a path for a key id"](gateway.auth.issuer)
    before = gateway.auth.key_fetches
    for _ in range(3):
        peer = await gateway.open()
        assert (await peer.ask(connect={"token": token}))["error"] == {"code": 109, "message": "token_expired"}
    assert gateway.auth.key_fetches == before + 1


async def test_an_expired_token_asks_for_a_fresh_one(gateway: Running) -> None:
    peer = await gateway.open()
    reply = await peer.ask(connect={"token": gateway.token(exp=int(time.time()) - 1)})
    assert reply["error"] == {"code": 109, "message": "token_expired"}


async def test_a_connect_without_a_token_is_unauthorized(gateway: Running) -> None:
    peer = await gateway.open()
    assert (await peer.ask(connect={}))["error"] == {"code": 101, "message": "unauthorized"}


async def test_a_revoked_session_is_closed_and_its_token_refused(gateway: Running) -> None:
    token = gateway.token(sid="stolen")
    peer = await gateway.open()
    await peer.ask(connect={"token": token})
    gateway.auth.feed.session(1, "stolen")
    await ring(gateway)
    assert await peer.is_closed_with() == 3503
    again = await gateway.open()
    await again.socket.send_str(json.dumps({"id": 1, "connect": {"token": token}}))
    assert await again.is_closed_with() == 3500


async def test_a_key_that_auth_withdrew_sends_its_clients_for_a_new_token_and_nobody_else(gateway: Running) -> None:
    gateway.auth.issuer.add("k2")
    old, new = (gateway.auth.issuer.token(key_id) for key_id in ("k1", "k2"))
    clients = []
    for token in (old, new):
        peer = await gateway.open()
        assert "connect" in await peer.ask(connect={"token": token})
        clients.append(peer)
    del gateway.auth.issuer.keys["k1"]
    gateway.auth.feed.add(n=1, kind="keys", version=1)
    await ring(gateway)
    assert await clients[0].is_closed_with() == 3014
    again = await gateway.open()
    assert (await again.ask(connect={"token": old}))["error"] == {"code": 109, "message": "token_expired"}
    headers = {"Authorization": f"Bearer {old}"}
    async with gateway.http.post(f"{gateway.url}/api/v1/room.list", json={}, headers=headers) as answer:
        assert (answer.status, (await answer.json())["code"]) == (401, "token_expired")
    assert "rpc" in await clients[1].rpc("room.list")


async def test_a_flood_of_random_keys_closes_nobody_and_costs_one_fetch(gateway: Running) -> None:
    honest = await gateway.connect()
    before = gateway.auth.key_fetches
    for number in range(50):
        peer = await gateway.open()
        reply = await peer.ask(connect={"token": gateway.token(header={"kid": f"random-{number}"})})
        assert reply["error"]["code"] in (100, 109)
        assert reply["error"].get("temporary", False) == (reply["error"]["code"] == 100)
    assert gateway.auth.key_fetches <= before + 1
    assert "rpc" in await honest.rpc("room.list")
    assert "rpc" in await (await gateway.connect()).rpc("room.list")


async def ring(gateway: Running) -> None:
    async with redis.asyncio.from_url(gateway.settings.redis_url) as client:
        await client.publish(DOORBELL, b"")
