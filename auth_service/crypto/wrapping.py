"""Private keys at rest: encrypted by a key of the settings, so that a copy of the database signs nothing.

AES-256-GCM with a random nonce; key id and generation are authenticated with it, so that no row's secret can be put
into another row. The first key of the settings encrypts, all decrypt. A demo may have none: it keeps them in the clear.
"""

import secrets
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from auth_service.core.keys import KeyRow, UnreadableKey

_ID_BYTES = 12
_NONCE_BYTES = 12
_LOST = (
    "If it is lost, run `python -m auth_service keys rotate --now`: a new signing key takes the place of all others."
)


class Vault:
    """The `KeyVault` port; `keys` are those of the settings by id, the encrypting one first."""

    def __init__(self, keys: Mapping[str, bytes]) -> None:
        self._ciphers = {key_id: AESGCM(key) for key_id, key in keys.items()}
        self._current = next(iter(keys), None)

    def new_key(self, generation: int, signs_from: datetime) -> KeyRow:
        private_key = Ed25519PrivateKey.generate().private_bytes_raw()
        return self._sealed(KeyRow(secrets.token_urlsafe(_ID_BYTES), generation, private_key, None, signs_from))

    def rewrapped(self, key: KeyRow) -> KeyRow | None:
        private_key = self.open(key)
        if key.wrapped_by == self._current:
            return None
        return self._sealed(replace(key, private_key=private_key, wrapped_by=None))

    def open(self, key: KeyRow) -> bytes:
        if key.wrapped_by is None:
            return key.private_key
        cipher = self._ciphers.get(key.wrapped_by)
        if cipher is None:
            raise UnreadableKey(
                f"The signing key {key.id} is encrypted by the key {key.wrapped_by!r}, which is not in "
                f"AUTH_KEY_ENCRYPTION_KEYS. Add it there, behind the first one. {_LOST}"
            )
        nonce, encrypted = key.private_key[:_NONCE_BYTES], key.private_key[_NONCE_BYTES:]
        try:
            return cipher.decrypt(nonce, encrypted, _bound_to(key))
        except (InvalidTag, ValueError) as error:
            raise UnreadableKey(
                f"The signing key {key.id} cannot be decrypted by {key.wrapped_by!r} of AUTH_KEY_ENCRYPTION_KEYS: that "
                f"was another key when it encrypted, or the row is damaged. Set the key as it was. {_LOST}"
            ) from error

    def _sealed(self, key: KeyRow) -> KeyRow:
        if self._current is None:
            return key
        nonce = secrets.token_bytes(_NONCE_BYTES)
        encrypted = self._ciphers[self._current].encrypt(nonce, key.private_key, _bound_to(key))
        return replace(key, private_key=nonce + encrypted, wrapped_by=self._current)


def _bound_to(key: KeyRow) -> bytes:
    return f"parley signing key {key.id} {key.generation}".encode()
