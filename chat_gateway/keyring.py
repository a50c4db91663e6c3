"""The public keys of auth, and the tokens checked with them.

Checking never waits. A key that is not known may be younger than the set, so a token is refused for good only when its
key is missing from a set that was fetched after the token came; until then the answer is "not now". A token of a key
that auth withdrew counts as expired: its owner did nothing wrong and fetches the next. Strangers cannot drive the
fetching: an unknown key leads to one fetch a minute at most. Sockets are closed by others.
"""

import asyncio
import hashlib
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, NamedTuple, TypeVar

import aiohttp
import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from chat_gateway.realtime.ports import User
from shared import tokens
from shared.errors import Unauthenticated, Unavailable
from shared.tokens import Claims, ExpiredToken, InvalidToken, TokenError, UnknownKey

_Key = TypeVar("_Key")

Fetch = Callable[[], Awaitable[bytes]]

_MAX_CACHED = 20_000
_MAX_REVOKED = 200_000

_log = structlog.get_logger(__name__)


class KeyNotKnownNow(TokenError):
    """The key cannot be looked up at this moment; the same token may be good in a minute."""


class SessionRevoked(InvalidToken):
    """The token is genuine, but auth has ended its session."""


class Times(NamedTuple):
    """In seconds. `revoked` outlives every token of a session that has been ended, and of a key that was withdrawn."""

    refresh: float = 300.0
    retry: float = 1.0
    longest_retry: float = 60.0
    unknown_key: float = 60.0
    hold: float = 24 * 3600.0
    patience: float = 2.0
    revoked: float = 25 * 60.0


def jwks_over_http(session: aiohttp.ClientSession, url: str, *, seconds: float = 3.0) -> Fetch:
    """Make the fetch of a key set document from this address."""

    async def fetch() -> bytes:
        # The document may be cached for minutes; a cache on the way would give back the set we were told to replace.
        async with session.get(
            url,
            headers={"Cache-Control": "no-cache"},
            timeout=aiohttp.ClientTimeout(total=seconds),
            raise_for_status=True,
        ) as response:
            return await response.read()

    return fetch


class Keyring:
    """`run` belongs to the caller's TaskGroup and does all fetching; `on_key_dropped` hears of keys auth withdrew."""

    def __init__(
        self,
        fetch: Fetch,
        *,
        issuer: str,
        audience: str,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        times: Times = Times(),  # noqa: B008 -- immutable
        on_key_dropped: Callable[[str], None] = lambda _key_id: None,
    ) -> None:
        self._fetch, self._issuer, self._audience = fetch, issuer, audience
        self._clock, self._monotonic, self._times = clock, monotonic, times
        self._on_key_dropped = on_key_dropped
        self._keys: dict[str, Ed25519PublicKey] = {}
        self._fetched_at = float("-inf")
        self._withdrawn: dict[str, float] = {}
        self._began_at = float("inf")
        self._cache: dict[bytes, Claims] = {}
        self._waiting: dict[bytes, float] = {}
        self._revoked: dict[str, float] = {}
        self._asked = asyncio.Event()
        self._asked_at = float("-inf")
        self._fetching = self._told = False
        self._round = asyncio.Event()
        self._complained = False

    @property
    def ready(self) -> bool:
        """Whether there is a set to check with."""
        return bool(self._keys)

    def verify(self, token: str) -> Claims:
        """Check a token now. Raises ExpiredToken, InvalidToken (SessionRevoked), or KeyNotKnownNow."""
        digest = hashlib.sha256(token.encode(errors="surrogatepass")).digest()
        claims = self._cache.get(digest)
        if claims is None or claims.key_id not in self._keys:
            claims = self._check(token, digest)
        if claims.expires_at <= self._clock():
            self._cache.pop(digest, None)
            raise ExpiredToken("The token has expired.")
        if claims.session in self._revoked:
            raise SessionRevoked("The session has been ended.")
        return claims

    async def verify_soon(self, token: str) -> Claims:
        """Check a token, waiting up to 2 s for a fetch that is under way or permitted, if its key needs one."""
        with suppress(KeyNotKnownNow):
            return self.verify(token)  # nearly always, and without a timer
        try:
            async with asyncio.timeout(self._times.patience):
                while True:
                    this_round = self._round
                    with suppress(KeyNotKnownNow):
                        return self.verify(token)
                    if not self._is_fetch_coming():
                        break
                    await this_round.wait()
        except TimeoutError:
            pass
        return self.verify(token)

    async def user_of(self, token: str) -> User:
        """Answer whom the token speaks for. Raises Unauthenticated or Unavailable, as Application.verify promises."""
        if not token:
            raise Unauthenticated("unauthorized", "A token is missing. Log in, and connect with the access token.")
        try:
            claims = await self.verify_soon(token)
        except ExpiredToken as error:
            raise Unauthenticated("token_expired", "The token has expired. Fetch a new one.") from error
        except KeyNotKnownNow as error:
            raise Unavailable("keys_unavailable", "The token cannot be checked now. Try again in a moment.") from error
        except TokenError as error:
            raise Unauthenticated("invalid_token", "The token is not valid here. Log in again.") from error
        return User(
            id=claims.user,
            name=claims.name,
            picture=claims.picture,
            session=claims.session,
            key_id=claims.key_id,
            expires_at=claims.expires_at,
        )

    def forget_session(self, session: str) -> None:
        """Refuse all tokens of the session from now on, for as long as one of them can live."""
        now = self._monotonic()
        while self._revoked and next(iter(self._revoked.values())) < now - self._times.revoked:
            del self._revoked[next(iter(self._revoked))]
        self._revoked.pop(session, None)
        _bound(self._revoked, _MAX_REVOKED)
        self._revoked[session] = now

    def refetch(self) -> None:
        """Fetch as soon as possible, and again until it succeeds: auth has said that its keys changed."""
        self._told = True
        self._asked.set()

    async def run(self) -> None:
        """Fetch at start, regularly, and when asked, until cancelled."""
        retry = self._times.retry
        while True:
            self._asked.clear()
            told, self._told = self._told, False
            if await self._fetch_once():
                retry = self._times.retry
                await self._pause(self._times.refresh)
            else:
                # Without a set nobody can connect, and a withdrawn key may be in a thief's hands: no holding back then.
                self._told = self._told or told
                is_urgent = self._told or not self._keys
                retry = self._times.retry if is_urgent else min(retry * 2, self._times.longest_retry)
                await self._pause(retry)

    def _check(self, token: str, digest: bytes) -> Claims:
        try:
            claims = tokens.verify(token, self._keys, issuer=self._issuer, audience=self._audience, now=self._clock())
        except UnknownKey as error:
            self._ask_for_key(digest, error.kid)
            raise KeyNotKnownNow("The key cannot be looked up now.") from error
        self._waiting.pop(digest, None)
        _bound(self._cache, _MAX_CACHED)
        self._cache[digest] = claims
        return claims

    def _ask_for_key(self, digest: bytes, key_id: str) -> None:
        """Permit a fetch where one helps. Raises ExpiredToken or InvalidToken where the answer is known already."""
        now = self._monotonic()
        if digest not in self._waiting:
            _bound(self._waiting, _MAX_CACHED)
            self._waiting[digest] = now
        is_missing = self._fetched_at > self._waiting[digest]
        if not is_missing and self._keys and now - self._asked_at >= self._times.unknown_key:
            self._asked_at = now
            self._asked.set()
        if key_id in self._withdrawn or (is_missing and self._may_be_from_before(now)):
            raise ExpiredToken("The token is signed by a key that auth has withdrawn.")
        if is_missing:
            raise InvalidToken("The token is signed by a key that auth does not have.")

    def _may_be_from_before(self, now: float) -> bool:
        """Whether a token can be older than our first set, and so its key withdrawn without our having known it."""
        return now - self._began_at < self._times.revoked

    def _is_fetch_coming(self) -> bool:
        return self._fetching or self._asked.is_set() or not self._keys

    async def _fetch_once(self) -> bool:
        started_at = self._monotonic()
        self._fetching = True
        try:
            keys = tokens.key_set(await self._fetch())
            if not keys:
                raise tokens.InvalidKeySet("The key set is empty.")
        except (aiohttp.ClientError, OSError, TimeoutError, TokenError) as error:
            self._failed(started_at, error)
            return False
        else:
            self._fetched_at, self._complained = started_at, False
            self._remember_withdrawn(keys, started_at)
            self._replace(keys)
            return True
        finally:
            self._fetching = False
            self._round.set()
            self._round = asyncio.Event()

    def _failed(self, now: float, error: Exception) -> None:
        if not self._complained:
            _log.warning("keyring.not_fetched", error=f"{type(error).__name__}: {error}")
        self._complained = True
        if self._keys and now - self._fetched_at > self._times.hold:
            _log.error("keyring.too_old", seconds=round(now - self._fetched_at))
            self._replace({})

    def _remember_withdrawn(self, keys: dict[str, Ed25519PublicKey], now: float) -> None:
        self._began_at = min(self._began_at, now)
        gone = {**self._withdrawn, **dict.fromkeys(self._keys, now)}
        self._withdrawn = {
            key_id: at for key_id, at in gone.items() if key_id not in keys and now - at < self._times.revoked
        }

    def _replace(self, keys: dict[str, Ed25519PublicKey]) -> None:
        dropped = self._keys.keys() - keys.keys()
        self._keys = keys
        for key_id in dropped:
            self._on_key_dropped(key_id)

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._asked.wait()


def _bound(entries: dict[_Key, Any], limit: int) -> None:
    """Make room for one more by dropping the oldest."""
    if len(entries) >= limit:
        del entries[next(iter(entries))]
