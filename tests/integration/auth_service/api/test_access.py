"""Every way to forge an access token that this field has seen, against the one door of auth that takes them."""

import base64
import hashlib
import hmac
import json
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from auth_service.actions import keys
from auth_service.core.auth import Auth
from auth_service.core.claims import ACCESS_SECONDS
from tests.integration.auth_service.person import ORIGIN, Client, Person, StoppedClock, problem


class Forger:
    """Knows the signing key, to be able to change one thing at a time."""

    def __init__(self, kid: str, key: Ed25519PrivateKey, claims: dict[str, Any]) -> None:
        self.kid = kid
        self.key = key
        self.claims = claims

    def token(self, *, header: dict[str, Any] | None = None, **changed: Any) -> str:
        claims = {name: value for name, value in {**self.claims, **changed}.items() if value is not None}
        headers = {"typ": "at+jwt", "kid": self.kid, **(header or {})}
        return jwt.encode(claims, self.key, algorithm="EdDSA", headers=headers)


@pytest.fixture
async def forger(ann: Person, auth: Auth) -> Forger:
    async with auth.store.reading() as tx:
        (row,) = await tx.keys.all()
    claims = jwt.decode(ann.access_token, options={"verify_signature": False})
    return Forger(row.id, Ed25519PrivateKey.from_private_bytes(auth.vault.open(row)), claims)


def segment(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


async def test_unchanged_copy_is_taken(ann: Person, forger: Forger) -> None:
    assert (await ann.me(forger.token())).status == 200


@pytest.mark.parametrize(
    "changed",
    [
        {"iss": "https://evil.example"},
        {"iss": None},
        {"aud": "mail"},
        {"aud": ["chat"]},
        {"aud": None},
        {"sub": None},
        {"sub": 5},
        {"sid": None},
        {"jti": None},
        {"iat": None},
        {"exp": None},
        {"exp": "soon"},
        {"roles": "administrator"},
        {"name": "x" * 4000},
    ],
)
async def test_token_with_a_wrong_claim_is_refused(ann: Person, forger: Forger, changed: dict[str, Any]) -> None:
    assert await problem(await ann.me(forger.token(**changed))) == (401, "invalid_token")


@pytest.mark.parametrize(
    "header",
    [
        {"typ": "JWT"},
        {"typ": None},
        {"kid": ""},
        {"crit": ["x"], "x": 1},
    ],
)
async def test_token_with_a_wrong_header_is_refused(ann: Person, forger: Forger, header: dict[str, Any]) -> None:
    assert await problem(await ann.me(forger.token(header=header))) == (401, "invalid_token")


@pytest.mark.parametrize("kid", ["../../../../etc/passwd", "https://evil.example/key"])
async def test_token_of_a_key_that_is_not_there_reads_like_one_of_a_withdrawn_key(
    ann: Person, forger: Forger, kid: str
) -> None:
    assert await problem(await ann.me(forger.token(header={"kid": kid}))) == (401, "token_expired")


async def test_token_of_a_withdrawn_key_is_refused_and_the_session_gives_a_new_one(ann: Person, auth: Auth) -> None:
    await keys.rotate_now(auth)
    assert await problem(await ann.me()) == (401, "token_expired")
    assert (await ann.refresh()).status == 200
    assert (await ann.me()).status == 200


async def test_expired_token_is_refused_and_says_so(ann: Person, clock: StoppedClock) -> None:
    clock.now += ACCESS_SECONDS - 1
    assert (await ann.me()).status == 200
    clock.now += 1
    assert await problem(await ann.me()) == (401, "token_expired")


async def test_token_from_the_future_is_taken(ann: Person, forger: Forger, clock: StoppedClock) -> None:
    assert (await ann.me(forger.token(iat=int(clock.now) + 300))).status == 200


async def test_token_without_signature_is_refused(ann: Person, forger: Forger) -> None:
    for algorithm in ("none", "None", "NONE", ""):
        header = segment({"alg": algorithm, "typ": "at+jwt", "kid": forger.kid})
        token = f"{header}.{segment(forger.claims)}."
        assert await problem(await ann.me(token)) == (401, "invalid_token")


async def test_token_signed_with_the_public_key_as_a_secret_is_refused(ann: Person, forger: Forger) -> None:
    signed = f"{segment({'alg': 'HS256', 'typ': 'at+jwt', 'kid': forger.kid})}.{segment(forger.claims)}"
    mac = hmac.new(forger.key.public_key().public_bytes_raw(), signed.encode(), hashlib.sha256).digest()
    token = f"{signed}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"
    assert await problem(await ann.me(token)) == (401, "invalid_token")


async def test_token_of_a_key_the_attacker_brings_along_is_refused(ann: Person, forger: Forger) -> None:
    key = Ed25519PrivateKey.generate()
    jwk = {"kty": "OKP", "crv": "Ed25519", "x": base64.urlsafe_b64encode(key.public_key().public_bytes_raw()).decode()}
    stranger = Forger(forger.kid, key, forger.claims)
    for header in ({}, {"jwk": jwk}, {"jku": "https://evil.example/jwks.json"}):
        assert await problem(await ann.me(stranger.token(header=header))) == (401, "invalid_token")


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "....", "é", "A" * 5000])
async def test_text_that_is_no_token_is_refused(ann: Person, token: str) -> None:
    assert await problem(await ann.me(token)) == (401, "invalid_token")


@pytest.mark.parametrize("header", ["", "Bearer", "Basic YTpi"])
async def test_other_authorization_is_refused(client: Client, header: str) -> None:
    response = await client.get("/auth/me", headers={"Authorization": header})
    assert await problem(response) == (401, "invalid_token")


async def test_refresh_cookie_alone_does_not_open_the_account(ann: Person, client: Client) -> None:
    response = await client.patch("/auth/me", json={"name": "x"}, headers={"Cookie": ann.cookie, "Origin": ORIGIN})
    assert await problem(response) == (401, "invalid_token")
