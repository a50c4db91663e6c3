"""Access tokens at the edge of auth: made for whoever logged in, checked for whoever calls."""

from collections.abc import Callable
from contextlib import suppress

from aiohttp import web

from auth_service.actions.sessions import LoggedIn
from auth_service.api.bodies import TokenBody, user_body
from auth_service.core import errors
from auth_service.core.claims import access_claims
from auth_service.core.ports import SigningKeys
from auth_service.core.sessions import SessionId
from shared.tokens import AUDIENCE, Claims, ExpiredToken, TokenError, UnknownKey, verify


class Access:
    def __init__(
        self, keys: SigningKeys, *, issuer: str, clock: Callable[[], float], new_id: Callable[[], str]
    ) -> None:
        self._keys = keys
        self._issuer = issuer
        self._clock = clock
        self._new_id = new_id

    async def body(self, logged_in: LoggedIn) -> TokenBody:
        """Signed by the key that signs now, whatever another instance did to the keys. Raises Unavailable."""
        await self._keys.refresh()
        claims = access_claims(
            logged_in.user, logged_in.session, token_id=self._new_id(), issuer=self._issuer, now=self._clock()
        )
        return TokenBody(access_token=self._keys.sign(claims), user=user_body(logged_in.user))

    async def session(self, request: web.Request) -> SessionId:
        """The session of the caller's Bearer token. Raises Unauthenticated, Unavailable."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            raise errors.invalid_token()
        try:
            claims = await self._verify(token.strip())
        except (ExpiredToken, UnknownKey) as error:
            # A key that is not here was withdrawn: to whoever holds its token that is the same as a token too old.
            raise errors.token_expired() from error
        except TokenError as error:
            raise errors.invalid_token() from error
        return SessionId(claims.session)

    async def _verify(self, token: str) -> Claims:
        """By the keys as they are now: another instance may have made or withdrawn one. Noise costs no read of them."""
        with suppress(UnknownKey):
            self._check(token)
        await self._keys.refresh()
        return self._check(token)

    def _check(self, token: str) -> Claims:
        return verify(token, self._keys.public_keys, issuer=self._issuer, audience=AUDIENCE, now=self._clock())
