"""Signing keys: Ed25519, the newest one signs, all of them verify and are published."""

import base64
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from shared.tokens import ALGORITHM, TOKEN_TYPE


@dataclass(frozen=True, slots=True)
class NewKey:
    id: str
    private_key: bytes


def new_key() -> NewKey:
    return NewKey(secrets.token_urlsafe(12), Ed25519PrivateKey.generate().private_bytes_raw())


class KeyRing:
    """The `SigningKeys` port. Empty until the first `load`."""

    def __init__(self) -> None:
        self._keys: dict[str, Ed25519PrivateKey] = {}

    def load(self, keys: Iterable[tuple[str, bytes]]) -> None:
        """Takes these keys, the oldest first, instead of those before."""
        self._keys = {key_id: Ed25519PrivateKey.from_private_bytes(private_key) for key_id, private_key in keys}

    def sign(self, claims: dict[str, Any]) -> str:
        key_id, key = next(reversed(self._keys.items()))
        return jwt.encode(claims, key, algorithm=ALGORITHM, headers={"typ": TOKEN_TYPE, "kid": key_id})

    @property
    def public_keys(self) -> dict[str, Ed25519PublicKey]:
        return {key_id: key.public_key() for key_id, key in self._keys.items()}

    def jwks(self) -> bytes:
        """The public keys as a JWKS document."""
        keys = [
            {
                "kty": "OKP",
                "crv": "Ed25519",
                "use": "sig",
                "alg": ALGORITHM,
                "kid": key_id,
                "x": base64.urlsafe_b64encode(key.public_bytes_raw()).rstrip(b"=").decode(),
            }
            for key_id, key in self.public_keys.items()
        ]
        return msgspec.json.encode({"keys": keys})
