"""Access tokens as a verifier sees them: a signed statement of auth, checked without asking anybody.

Nothing in a token is believed before its signature: the algorithm is fixed, `kid` is a map key and nothing else.
`exp` is compared with the caller's `now`; `iat` must be there but is not compared, or a verifier whose clock is behind
would refuse every fresh token. Issuing is auth's business.
"""

import base64
import binascii
from collections.abc import Mapping
from typing import Any

import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

TOKEN_TYPE = "at+jwt"  # noqa: S105 -- the JWT type of RFC 9068, no secret
ALGORITHM = "EdDSA"
AUDIENCE = "chat"

KeySet = Mapping[str, Ed25519PublicKey]

_MAX_TOKEN_BYTES = 4096


class TokenError(Exception):
    """A token that is not to be believed."""


class InvalidToken(TokenError):
    """Forged, malformed, or meant for somebody else; no retry helps."""


class ExpiredToken(TokenError):
    """It was good once; a fresh one helps."""


class UnknownKey(TokenError):
    """Signed by a key this set does not have: perhaps younger than the set."""

    def __init__(self, kid: str) -> None:
        super().__init__(kid)
        self.kid = kid


class InvalidKeySet(TokenError):
    """The key document cannot be read; the last good set stays in use."""


class Claims(msgspec.Struct, frozen=True):
    """Who calls, as auth said when it signed."""

    user: str
    session: str
    token_id: str
    name: str
    picture: str
    roles: tuple[str, ...]
    issued_at: int
    expires_at: int
    key_id: str


class _Payload(msgspec.Struct, frozen=True):
    sub: str
    sid: str
    jti: str
    iat: int
    exp: int
    name: str = ""
    picture: str = ""
    roles: tuple[str, ...] = ()


class _Jwk(msgspec.Struct, frozen=True):
    kty: str = ""
    crv: str = ""
    kid: str = ""
    x: str = ""
    use: str = "sig"


class _Jwks(msgspec.Struct, frozen=True):
    keys: list[_Jwk]


def key_set(jwks: bytes) -> dict[str, Ed25519PublicKey]:
    """The Ed25519 keys of a JWKS document by key id; keys of other kinds are left out. Raises InvalidKeySet."""
    try:
        document = msgspec.json.decode(jwks, type=_Jwks)
        return {
            key.kid: Ed25519PublicKey.from_public_bytes(base64.urlsafe_b64decode(key.x + "=" * (-len(key.x) % 4)))
            for key in document.keys
            if key.kty == "OKP" and key.crv == "Ed25519" and key.use == "sig" and key.kid
        }
    except (msgspec.MsgspecError, ValueError, binascii.Error, RecursionError) as error:
        raise InvalidKeySet("The key set cannot be read.") from error


def verify(token: str, keys: KeySet, *, issuer: str, audience: str, now: float) -> Claims:
    """What the token says, if one of the keys signed it for this audience and it holds at `now`. Raises TokenError."""
    if len(token) > _MAX_TOKEN_BYTES or not token.isascii():
        raise InvalidToken("The token is too long or not ASCII.")
    verifier = jwt.PyJWT(options={"enforce_minimum_key_length": True})
    key_id = _key_id(token)
    if key_id not in keys:
        raise UnknownKey(key_id)
    try:
        raw: dict[str, Any] = verifier.decode(
            token,
            keys[key_id],
            algorithms=[ALGORITHM],
            audience=audience,
            issuer=issuer,
            options={
                "require": ["exp", "iat", "sub", "aud", "iss", "jti"],
                "strict_aud": True,
                "verify_exp": False,
                "verify_iat": False,
                "verify_nbf": False,
            },
        )
        payload = msgspec.convert(raw, _Payload, strict=True)
    except (jwt.PyJWTError, msgspec.ValidationError) as error:
        raise InvalidToken("The token is not valid here.") from error
    if payload.exp <= now:
        raise ExpiredToken("The token has expired.")
    return Claims(
        user=payload.sub,
        session=payload.sid,
        token_id=payload.jti,
        name=payload.name,
        picture=payload.picture,
        roles=payload.roles,
        issued_at=payload.iat,
        expires_at=payload.exp,
        key_id=key_id,
    )


def _key_id(token: str) -> str:
    """The header's `kid`, of a header that is exactly of our kind: a token of another kind never reaches a key."""
    try:
        header = jwt.get_unverified_header(token)
    except jwt.PyJWTError as error:
        raise InvalidToken("The token cannot be read.") from error
    kid = header.get("kid")
    # `crit` and `b64` change what is signed; no token of ours has them.
    if header.get("alg") != ALGORITHM or header.get("typ") != TOKEN_TYPE or "crit" in header or "b64" in header:
        raise InvalidToken("The token is of another kind.")
    if not isinstance(kid, str) or not kid:
        raise InvalidToken("The token names no key.")
    return kid
