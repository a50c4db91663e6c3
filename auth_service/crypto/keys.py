"""Signing keys in use: the rows of the database as an instance holds them, to sign, to verify and to publish.

Nothing is signed or published from memory alone: `refresh` comes first, and reads what is true now, so that an instance
that slept through a rotation does not go on with the old keys. What can still happen is a token signed in the very
moment in which another instance drops its key: gateways answer it as expired, and the client fetches the next.
"""

import asyncio
import base64
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import msgspec
import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from prometheus_client import Gauge

from auth_service.core import errors, keys
from auth_service.core.keys import KeyRow, UnreadableKey
from auth_service.core.ports import KeyVault, Store
from shared.errors import Unavailable
from shared.tokens import ALGORITHM, TOKEN_TYPE

PUBLISHED = Gauge("parley_auth_signing_keys", "Signing keys published.")
AGE = Gauge("parley_auth_signing_key_age_seconds", "Since the key that signs now began to sign.")


class KeyRing:
    """The `SigningKeys` port. Empty until the first `refresh`."""

    def __init__(self, store: Store, vault: KeyVault, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._store, self._vault, self._monotonic = store, vault, monotonic
        self._rows: Sequence[KeyRow] = ()
        self._private: dict[str, Ed25519PrivateKey] = {}
        self._public: dict[str, Ed25519PublicKey] = {}
        self._jwks = b'{"keys":[]}'
        # The database's time when it was read here, and this machine's at that moment: the difference of two machines'
        # clocks does not matter.
        self._then, self._then_here = datetime.fromtimestamp(0, UTC), 0.0
        self._reading = asyncio.Lock()
        self._begun = self._ended = 0
        self._failure: Unavailable | None = None

    async def refresh(self) -> None:
        due = self._begun + 1
        async with self._reading:
            # Who waited for the lock may find it done: one read serves all who asked before it began.
            if self._ended < due:
                await self._read()
            if self._failure is not None:
                raise self._failure

    def sign(self, claims: dict[str, Any]) -> str:
        key = keys.signing(self._rows, self._now())
        return jwt.encode(claims, self._private[key.id], ALGORITHM, headers={"typ": TOKEN_TYPE, "kid": key.id})

    @property
    def public_keys(self) -> dict[str, Ed25519PublicKey]:
        return self._public

    def jwks(self) -> bytes:
        """The public keys as a JWKS document."""
        return self._jwks

    def _document(self) -> bytes:
        published = [
            {
                "kty": "OKP",
                "crv": "Ed25519",
                "use": "sig",
                "alg": ALGORITHM,
                "kid": key_id,
                "x": base64.urlsafe_b64encode(key.public_bytes_raw()).rstrip(b"=").decode(),
            }
            for key_id, key in self._public.items()
        ]
        return msgspec.json.encode({"keys": published})

    async def _read(self) -> None:
        self._begun += 1
        number = self._begun
        try:
            async with self._store.looking() as tx:
                rows, now = await tx.keys.all_now()
            if now is None:
                raise errors.keys_unreadable()
            self._take(rows, now)
            self._failure = None
        except Unavailable as error:
            # Kept for those who share this read: a database that hangs is not asked once for each of them.
            self._failure = error
        self._ended = number

    def _take(self, rows: Sequence[KeyRow], now: datetime) -> None:
        """Raises Unavailable, with the keys as they were, if one cannot be decrypted with this instance's settings."""
        if rows != self._rows:
            self._open(rows)
        self._rows, self._then, self._then_here = rows, now, self._monotonic()
        PUBLISHED.set(len(rows))
        AGE.set((now - keys.signing(rows, now).signs_from).total_seconds())

    def _open(self, rows: Sequence[KeyRow]) -> None:
        try:
            # A key that was opened once stays open: other instances may encrypt it by settings newer than ours.
            self._private = {row.id: self._private.get(row.id) or self._opened(row) for row in rows}
        except UnreadableKey as error:
            structlog.get_logger(__name__).exception("keys.unreadable")
            raise errors.keys_unreadable() from error
        self._public = {key_id: key.public_key() for key_id, key in self._private.items()}
        self._jwks = self._document()

    def _opened(self, row: KeyRow) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(self._vault.open(row))

    def _now(self) -> datetime:
        return self._then + timedelta(seconds=self._monotonic() - self._then_here)
