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


async def test_an_unknown_key_is_looked_up_once_and_then_turned_away(gateway: Running) -> None:
    peer = await gateway.open()
    await peer.socket.send_str(
        json.dumps({"id": 1, "connect": {"token": ATTACKS["a path for a key id"](gateway.auth.issuer)}})
    )
    assert await peer.is_closed_with() == 3500


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
    async with redis.asyncio.from_url(gateway.settings.redis_url) as client:
        await client.publish(DOORBELL, b"")
    assert await peer.is_closed_with() == 3503
    again = await gateway.open()
    await again.socket.send_str(json.dumps({"id": 1, "connect": {"token": token}}))
    assert await again.is_closed_with() == 3500
