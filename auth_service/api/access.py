"""Access tokens at the edge of auth: made for whoever logged in, checked for whoever calls."""

from collections.abc import Callable

from aiohttp import web

from auth_service.actions.sessions import LoggedIn
from auth_service.api.bodies import TokenBody, user_body
from auth_service.core import errors
from auth_service.core.claims import access_claims
from auth_service.core.ports import SigningKeys
from auth_service.core.sessions import SessionId
from shared.tokens import AUDIENCE, ExpiredToken, TokenError, verify


class Access:
    def __init__(
        self, keys: SigningKeys, *, issuer: str, clock: Callable[[], float], new_id: Callable[[], str]
    ) -> None:
        self._keys = keys
        self._issuer = issuer
        self._clock = clock
        self._new_id = new_id

    def body(self, logged_in: LoggedIn) -> TokenBody:
        claims = access_claims(
            logged_in.user, logged_in.session, token_id=self._new_id(), issuer=self._issuer, now=self._clock()
        )
        return TokenBody(access_token=self._keys.sign(claims), user=user_body(logged_in.user))

    def session(self, request: web.Request) -> SessionId:
        """The session of the caller's Bearer token. Raises Unauthenticated."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            raise errors.invalid_token()
        try:
            claims = verify(
                token.strip(), self._keys.public_keys, issuer=self._issuer, audience=AUDIENCE, now=self._clock()
            )
        except ExpiredToken as error:
            raise errors.token_expired() from error
        except TokenError as error:
            raise errors.invalid_token() from error
        return SessionId(claims.session)
