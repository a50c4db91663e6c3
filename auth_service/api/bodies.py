"""The JSON bodies of auth: strict from clients, additive towards them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from auth_service.core.auth import Registration
from auth_service.core.claims import ACCESS_SECONDS
from auth_service.core.links import Offer
from auth_service.core.sessions import Session, SessionId
from auth_service.core.users import Role, User

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class RegisterBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    email: str
    password: str
    name: str
    invitation: str | None = None


class SetupBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    token: str
    email: str
    password: str
    name: str


class ResetBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    token: str
    password: str


class InvitationBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """With `email` the link makes an account of this address only."""

    email: str | None = None


class LoginBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    email: str
    password: str


class LoginForm(msgspec.Struct, frozen=True):
    """The same from a page without scripts; `next` is the path of this site to go to."""

    email: str = ""
    password: str = ""
    next: str = ""


class EditBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str | None = None
    picture: str | None = None
    profile: dict[str, Any] | None = None


class PasswordBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    password: str
    new_password: str


class DeletionBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    password: str


class UserBody(msgspec.Struct, frozen=True):
    """A user as he sees himself; nobody else gets the address."""

    id: str
    email: str
    name: str
    picture: str
    profile: dict[str, Any]
    role: Role


class SessionBody(msgspec.Struct, frozen=True):
    """A session as its owner sees it; times are Unix milliseconds."""

    id: str
    user_agent: str
    network: str
    started_at: int
    last_used_at: int
    is_current: bool


class SessionsBody(msgspec.Struct, frozen=True):
    sessions: list[SessionBody]


class LinkBody(msgspec.Struct, frozen=True):
    """A one-time link, shown this once; it ends at a Unix time in milliseconds."""

    link: str
    expires_at: int


class SiteBody(msgspec.Struct, frozen=True):
    registration: Registration


class KeyBody(msgspec.Struct, frozen=True):
    """A public key as RFC 7517 writes it."""

    kty: str
    crv: str
    use: str
    alg: str
    kid: str
    x: str


class KeySetBody(msgspec.Struct, frozen=True):
    keys: list[KeyBody]


class TokenBody(msgspec.Struct, frozen=True, kw_only=True):
    access_token: str
    token_type: str = "Bearer"  # noqa: S105 -- the kind of token, no secret
    expires_in: int = ACCESS_SECONDS
    user: UserBody


def user_body(user: User) -> UserBody:
    return UserBody(user.id, user.email, user.name, user.picture, dict(user.profile), user.role)


def link_body(offer: Offer) -> LinkBody:
    return LinkBody(offer.address, _milliseconds(offer.expires_at))


def session_body(session: Session, current: SessionId) -> SessionBody:
    return SessionBody(
        session.id,
        session.user_agent,
        session.network,
        _milliseconds(session.started_at),
        _milliseconds(session.last_used_at),
        session.id == current,
    )


def _milliseconds(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(milliseconds=1)
