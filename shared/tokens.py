"""Access tokens as a verifier sees them: a signed statement of auth, checked without asking anybody.

Nothing in a token is believed before its signature: the algorithm is fixed, `kid` is a map key and nothing else.
`exp` is compared with the caller's `now`; `iat` must be there but is not compared, or a verifier whose clock is behind
would refuse every fresh token. Issuing is auth's business.

One kind of token, so no library that knows all kinds: reading it ourselves leaves little beside the signature's check.
"""

import base64
import binascii
import re
from collections.abc import Mapping

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

TOKEN_TYPE = "at+jwt"  # noqa: S105 -- the JWT type of RFC 9068, no secret
ALGORITHM = "EdDSA"
AUDIENCE = "chat"

KeySet = Mapping[str, Ed25519PublicKey]

_MAX_TOKEN_BYTES = 4096
_COMPACT = re.compile(r"(([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+))\.([A-Za-z0-9_-]+)")
"""Three segments of RFC 7515 without padding; the first group is what is signed."""

_UNREADABLE = (msgspec.MsgspecError, ValueError, RecursionError)


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


class _Header(msgspec.Struct, frozen=True):
    alg: str
    typ: str
    kid: str = ""
    crit: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    b64: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


class _Payload(msgspec.Struct, frozen=True):
    iss: str
    aud: str
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
    parts = _COMPACT.fullmatch(token) if len(token) <= _MAX_TOKEN_BYTES else None
    if parts is None:
        raise InvalidToken("The token is too long, or not three segments of base64url.")
    signed, header, payload, signature = parts.groups()
    key_id = _key_id(header)
    if key_id not in keys:
        raise UnknownKey(key_id)
    try:
        keys[key_id].verify(_decoded(signature), signed.encode())
        says = _read_payload(_decoded(payload))
    except (InvalidSignature, *_UNREADABLE) as error:
        raise InvalidToken("The token is not valid here.") from error
    if says.iss != issuer or says.aud != audience:
        raise InvalidToken("The token is meant for somebody else.")
    if says.exp <= now:
        raise ExpiredToken("The token has expired.")
    return Claims(
        user=says.sub,
        session=says.sid,
        token_id=says.jti,
        name=says.name,
        picture=says.picture,
        roles=says.roles,
        issued_at=says.iat,
        expires_at=says.exp,
        key_id=key_id,
    )


def _key_id(segment: str) -> str:
    """The header's `kid`, of a header that is exactly of our kind: a token of another kind never reaches a key."""
    try:
        header = _read_header(_decoded(segment))
    except _UNREADABLE as error:
        raise InvalidToken("The token cannot be read.") from error
    # `crit` and `b64` change what is signed; no token of ours has them.
    is_plain = header.crit is msgspec.UNSET and header.b64 is msgspec.UNSET
    if header.alg != ALGORITHM or header.typ != TOKEN_TYPE or not is_plain:
        raise InvalidToken("The token is of another kind.")
    if not header.kid:
        raise InvalidToken("The token names no key.")
    return header.kid


def _decoded(segment: str) -> bytes:
    return base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))


_read_header = msgspec.json.Decoder(_Header).decode
_read_payload = msgspec.json.Decoder(_Payload).decode
