"""Every operation of auth as its document describes it: what it takes, answers, and refuses with which codes.

The routes do it; the tests compare the two in both directions, and the codes with those of core/errors.py.
"""

from dataclasses import dataclass
from typing import Final, Literal

from auth_service.api import bodies

Authority = Literal["none", "bearer", "cookie", "cookie or bearer"]

_ALWAYS = ("internal", "invalid_request", "store_unavailable", "unsupported_encoding")
_BODY = ("body_too_large", "unsupported_media_type")
_BEARER = ("invalid_token", "token_expired", "session_expired")
_PASSWORD = ("password_too_short", "password_too_long", "password_too_common", "busy")
_ANOTHER_PASSWORD = (*_PASSWORD, "password_unchanged")
_GUESSED = ("too_many_attempts", "busy")
_SIGNED = ("keys_unreadable",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    id: str
    method: str
    path: str
    summary: str
    authority: Authority
    takes: type | None = None
    answers: type | None = None
    status: int = 200
    codes: tuple[str, ...] = ()
    """Beside those that its kind of operation has."""
    is_form: bool = False
    """Whether a form is taken too, and answered by a redirect."""
    sets_cookie: bool = False

    @property
    def is_guarded(self) -> bool:
        """Whether a foreign page is refused: nothing but the browser would stand for the caller."""
        return self.method != "GET" and self.authority != "bearer"

    @property
    def refusals(self) -> frozenset[str]:
        """Every code it may answer."""
        body = _BODY if self.takes is not None else ()
        bearer = _BEARER if "bearer" in self.authority else ()
        guarded = ("foreign_origin",) if self.is_guarded else ()
        signed = _SIGNED if bearer or self.answers is bodies.TokenBody else ()
        return frozenset((*_ALWAYS, *body, *bearer, *guarded, *signed, *self.codes))


OPERATIONS: Final = (
    Operation(
        id="site",
        method="GET",
        path="/auth/site",
        summary="Say who may register here",
        authority="none",
        answers=bodies.SiteBody,
    ),
    Operation(
        id="register",
        method="POST",
        path="/auth/register",
        summary="Make an account and log in",
        authority="none",
        takes=bodies.RegisterBody,
        answers=bodies.TokenBody,
        status=201,
        codes=("registration_closed", "invitation_needed", "link_invalid", "email_taken", *_PASSWORD, *_GUESSED),
        sets_cookie=True,
    ),
    Operation(
        id="setUp",
        method="POST",
        path="/auth/setup",
        summary="Make the first administrator of a new site and log in",
        authority="none",
        takes=bodies.SetupBody,
        answers=bodies.TokenBody,
        status=201,
        codes=("link_invalid", "email_taken", *_PASSWORD, *_GUESSED),
        sets_cookie=True,
    ),
    Operation(
        id="logIn",
        method="POST",
        path="/auth/login",
        summary="Log in",
        authority="none",
        takes=bodies.LoginBody,
        answers=bodies.TokenBody,
        codes=("bad_credentials", *_GUESSED),
        is_form=True,
        sets_cookie=True,
    ),
    Operation(
        id="refresh",
        method="POST",
        path="/auth/token",
        summary="Fetch a new access token",
        authority="cookie",
        answers=bodies.TokenBody,
        codes=("session_expired", "too_many_attempts"),
        sets_cookie=True,
    ),
    Operation(
        id="logOut",
        method="POST",
        path="/auth/logout",
        summary="End this session",
        authority="cookie or bearer",
        status=204,
        sets_cookie=True,
    ),
    Operation(
        id="logOutEverywhere",
        method="POST",
        path="/auth/logout/all",
        summary="End all sessions of mine",
        authority="bearer",
        status=204,
        sets_cookie=True,
    ),
    Operation(
        id="logOutOthers",
        method="POST",
        path="/auth/logout/others",
        summary="End all sessions of mine but this one",
        authority="bearer",
        status=204,
    ),
    Operation(
        id="listSessions",
        method="GET",
        path="/auth/sessions",
        summary="List my sessions, the latest used first",
        authority="bearer",
        answers=bodies.SessionsBody,
    ),
    Operation(
        id="endSession",
        method="DELETE",
        path="/auth/sessions/{id}",
        summary="End one session of mine",
        authority="bearer",
        status=204,
        codes=("session_not_found",),
    ),
    Operation(id="me", method="GET", path="/auth/me", summary="Show me", authority="bearer", answers=bodies.UserBody),
    Operation(
        id="editMe",
        method="PATCH",
        path="/auth/me",
        summary="Change my name, picture or profile",
        authority="bearer",
        takes=bodies.EditBody,
        answers=bodies.UserBody,
        codes=_GUESSED,
    ),
    Operation(
        id="deleteMe",
        method="DELETE",
        path="/auth/me",
        summary="Delete my account, with all sessions",
        authority="bearer",
        takes=bodies.DeletionBody,
        status=204,
        codes=("wrong_password", "last_administrator", *_GUESSED),
        sets_cookie=True,
    ),
    Operation(
        id="changePassword",
        method="POST",
        path="/auth/password",
        summary="Change my password and end my other sessions",
        authority="bearer",
        takes=bodies.PasswordBody,
        status=204,
        codes=("wrong_password", *_ANOTHER_PASSWORD, *_GUESSED),
    ),
    Operation(
        id="resetPassword",
        method="POST",
        path="/auth/password/reset",
        summary="Choose a new password by a reset link and end all sessions",
        authority="none",
        takes=bodies.ResetBody,
        status=204,
        codes=("link_invalid", *_ANOTHER_PASSWORD, *_GUESSED),
    ),
    Operation(
        id="invite",
        method="POST",
        path="/auth/invitations",
        summary="Make an invitation, as an administrator",
        authority="bearer",
        takes=bodies.InvitationBody,
        answers=bodies.LinkBody,
        status=201,
        codes=("not_allowed", "registration_closed", "email_taken"),
    ),
    Operation(
        id="keys",
        method="GET",
        path="/.well-known/jwks.json",
        summary="Give the public keys of access tokens",
        authority="none",
        answers=bodies.KeySetBody,
        codes=_SIGNED,
    ),
    Operation(
        id="document",
        method="GET",
        path="/auth/openapi.json",
        summary="Give this document",
        authority="none",
        answers=dict,
    ),
)
