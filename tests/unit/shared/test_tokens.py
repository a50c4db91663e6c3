import base64
import hashlib
import hmac
import json
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from shared.tokens import (
    Claims,
    ExpiredToken,
    InvalidKeySet,
    InvalidToken,
    TokenError,
    UnknownKey,
    key_set,
    verify,
)

NOW = 1_800_000_000
KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
KEYS = {"k1": KEY.public_key()}
PAYLOAD: dict[str, Any] = {
    "iss": "https://chat.example.org",
    "aud": "chat",
    "sub": "ann",
    "sid": "s",
    "jti": "t",
    "iat": NOW,
    "exp": NOW + 600,
    "name": "Ann",
    "picture": "",
    "roles": ["administrator"],
}


def signed(header: dict[str, Any] | None = None, key: Ed25519PrivateKey = KEY, **changed: Any) -> str:
    claims = {name: value for name, value in {**PAYLOAD, **changed}.items() if value is not None}
    return jwt.encode(claims, key, algorithm="EdDSA", headers={"typ": "at+jwt", "kid": "k1", **(header or {})})


def checked(token: str, now: float = NOW) -> Claims:
    return verify(token, KEYS, issuer="https://chat.example.org", audience="chat", now=now)


def segment(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def test_good_token_says_who_calls() -> None:
    assert checked(signed()) == Claims(
        user="ann",
        session="s",
        token_id="t",
        name="Ann",
        picture="",
        roles=("administrator",),
        issued_at=NOW,
        expires_at=NOW + 600,
        key_id="k1",
    )


def test_name_picture_and_roles_may_be_missing_and_more_may_be_there() -> None:
    claims = checked(signed(name=None, picture=None, roles=None, later="addition"))
    assert (claims.name, claims.picture, claims.roles) == ("", "", ())


def test_token_holds_until_its_end() -> None:
    assert checked(signed(), NOW + 599.9).user == "ann"
    with pytest.raises(ExpiredToken):
        checked(signed(), NOW + 600)


@pytest.mark.parametrize("iat", [0, NOW + 300, NOW + 10**6])
def test_issue_time_is_not_compared_with_the_clock(iat: int) -> None:
    assert checked(signed(iat=iat)).issued_at == iat


def test_not_before_is_not_compared_either() -> None:
    assert checked(signed(nbf=NOW + 10**6)).user == "ann"


@pytest.mark.parametrize(
    "changed",
    [
        *({claim: None} for claim in ("iss", "aud", "sub", "sid", "jti", "iat", "exp")),
        {"iss": "https://evil.example"},
        {"iss": ["https://chat.example.org"]},
        {"aud": "mail"},
        {"aud": ["chat"]},
        {"sub": 5},
        {"sid": 5},
        {"exp": "1900000000"},
        {"exp": 1.9e9},
        {"iat": "now"},
        {"roles": "administrator"},
        {"roles": [1]},
        {"name": None, "picture": 5},
    ],
)
def test_wrong_claims_are_refused(changed: dict[str, Any]) -> None:
    if isinstance(changed.get("iss"), list):
        header = segment({"alg": "EdDSA", "typ": "at+jwt", "kid": "k1"})
        body = f"{header}.{segment({**PAYLOAD, **changed})}"
        token = f"{body}.{base64.urlsafe_b64encode(KEY.sign(body.encode())).rstrip(b'=').decode()}"
    else:
        token = signed(**changed)
    with pytest.raises(InvalidToken):
        checked(token)


@pytest.mark.parametrize(
    "header",
    [
        {"typ": "JWT"},
        {"typ": None},
        {"typ": "AT+JWT"},
        {"crit": ["b64"], "b64": True},
        {"crit": ["x"], "x": 1},
        {"kid": ""},
    ],
)
def test_wrong_kind_of_token_is_refused(header: dict[str, Any]) -> None:
    with pytest.raises(InvalidToken):
        checked(signed(header))


@pytest.mark.parametrize("kid", ["k2", "../../etc/passwd", "https://evil.example/jwks.json", "k1\x00"])
def test_key_id_is_a_map_key_and_nothing_else(kid: str) -> None:
    with pytest.raises(UnknownKey) as unknown:
        checked(signed({"kid": kid}))
    assert unknown.value.kid == kid


def test_key_that_comes_with_the_token_is_not_looked_at() -> None:
    stranger = Ed25519PrivateKey.generate()
    public = base64.urlsafe_b64encode(stranger.public_key().public_bytes_raw()).decode()
    for header in ({"jwk": {"kty": "OKP", "crv": "Ed25519", "x": public}}, {"jku": "https://evil.example"}, {}):
        with pytest.raises(InvalidToken):
            checked(signed(header, key=stranger))


@pytest.mark.parametrize("algorithm", ["none", "None", "", "HS256", "RS256", "ES256"])
def test_algorithm_is_fixed(algorithm: str) -> None:
    signed_part = f"{segment({'alg': algorithm, 'typ': 'at+jwt', 'kid': 'k1'})}.{segment(PAYLOAD)}"
    secret = KEY.public_key().public_bytes_raw()
    mac = hmac.new(secret, signed_part.encode(), hashlib.sha256).digest()
    for signature in ("", base64.urlsafe_b64encode(mac).rstrip(b"=").decode()):
        with pytest.raises(InvalidToken):
            checked(f"{signed_part}.{signature}")


def test_changed_token_is_refused() -> None:
    header, _, signature = signed().split(".")
    with pytest.raises(InvalidToken):
        checked(f"{header}.{segment({**PAYLOAD, 'sub': 'bob'})}.{signature}")


def test_header_without_key_id_is_refused() -> None:
    token = jwt.encode(PAYLOAD, KEY, algorithm="EdDSA", headers={"typ": "at+jwt"})
    with pytest.raises(InvalidToken, match="names no key"):
        checked(token)


def test_token_of_more_than_4_kib_is_refused_before_it_is_read() -> None:
    with pytest.raises(InvalidToken, match="too long"):
        checked(signed(name="x" * 4000))


@given(st.text(max_size=200))
def test_any_text_is_refused_with_a_token_error(text: str) -> None:
    with pytest.raises(TokenError):
        checked(text)


def jwk(**changed: str) -> dict[str, str]:
    x = base64.urlsafe_b64encode(KEY.public_key().public_bytes_raw()).rstrip(b"=").decode()
    return {"kty": "OKP", "crv": "Ed25519", "kid": "k1", "x": x, "use": "sig", "alg": "EdDSA"} | changed


def test_key_set_is_read_by_key_id() -> None:
    keys = key_set(json.dumps({"keys": [jwk(), jwk(kid="k2")]}).encode())
    assert keys.keys() == {"k1", "k2"}
    assert verify(signed(), keys, issuer=PAYLOAD["iss"], audience="chat", now=NOW).user == "ann"


def test_keys_of_other_kinds_are_left_out() -> None:
    others = [{"kty": "RSA", "kid": "r", "n": "AA", "e": "AQAB"}, jwk(crv="X25519"), jwk(use="enc"), jwk(kid=""), {}]
    assert key_set(json.dumps({"keys": others, "more": 1}).encode()) == {}


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"[]",
        b"{}",
        b'{"keys": 5}',
        b"\xff",
        json.dumps({"keys": [jwk(x="AA")]}).encode(),
        json.dumps({"keys": [jwk(x="ä")]}).encode(),
        b"[" * 100_000,
    ],
)
def test_broken_key_set_is_told_as_such(document: bytes) -> None:
    with pytest.raises(InvalidKeySet):
        key_set(document)
