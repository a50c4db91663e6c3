"""Tokens of the reference server: JWTs with a shared secret, for connections and for single subscriptions."""

import base64
from collections.abc import Mapping
from typing import Any

import jwt
import msgspec

from chat_gateway.protocol import codes
from chat_gateway.realtime.context import Disconnected
from chat_gateway.realtime.ports import Grant, User
from shared.errors import Forbidden, Unauthenticated
from tests.conformance.namespaces import namespace_of

SECRET = "secret"
_ALGORITHMS = ["HS256", "HS384", "HS512"]


def user_of(token: str) -> User:
    """Read a connection token. Raises Unauthenticated `token_expired` or `invalid_token`."""
    claims = _claims(token, "invalid_token")
    if "channel" in claims:
        raise Unauthenticated("invalid_token", "This is the token of a subscription.")
    return User(
        id=str(claims.get("sub", "")),
        name="",
        picture="",
        session="",
        key_id="",
        expires_at=_expiry(claims),
        info=_json(claims, "info"),
        subs=_subs(claims),
    )


def grant_of(token: str, channel: str, user: str, client: str) -> Grant:
    """Read a subscription token.

    Raises Unauthenticated `token_expired`, Forbidden for one that is none, Disconnected for one of somebody else's.
    """
    claims = _claims(token, "permission_denied")
    if claims.get("channel") != channel or claims.get("sub", "") != user or claims.get("client", client) != client:
        raise Disconnected(codes.INVALID_TOKEN)
    return open_grant(expires_at=_expiry(claims), chan_info=_json(claims, "info"), data=_json(claims, "data"))


def open_grant(**fields: Any) -> Grant:
    """What every subscription is given here: recovery, joins and leaves, presence."""
    return Grant(join_leave=True, presence=True, **fields)


def _claims(token: str, invalid: str) -> Mapping[str, Any]:
    try:
        return jwt.decode(token, SECRET, algorithms=_ALGORITHMS, options={"verify_aud": False, "verify_iat": False})
    except (jwt.ExpiredSignatureError, jwt.ImmatureSignatureError) as error:
        raise Unauthenticated("token_expired", "Get a new token.") from error
    except jwt.InvalidTokenError as error:
        family = Forbidden if invalid == "permission_denied" else Unauthenticated
        raise family(invalid, "This is no token of ours.") from error


def _expiry(claims: Mapping[str, Any]) -> int | None:
    """Say when what the token gives ends, which may be another time than when it is good no more."""
    expires_at = claims.get("expire_at", claims.get("exp"))
    return int(expires_at) if expires_at else None


def _json(claims: Mapping[str, Any], name: str) -> bytes:
    if f"b64{name}" in claims:
        return base64.b64decode(claims[f"b64{name}"])
    return msgspec.json.encode(claims[name]) if claims.get(name) is not None else b""


def _subs(claims: Mapping[str, Any]) -> dict[str, Grant]:
    subs: dict[str, Any] = {channel: {} for channel in claims.get("channels", ())} | claims.get("subs", {})
    for channel in subs:
        namespace_of(channel)
    return {
        channel: open_grant(chan_info=_json(options, "info"), data=_json(options, "data"))
        for channel, options in subs.items()
    }
