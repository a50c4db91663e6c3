"""The JSON bodies of auth: strict from clients, additive towards them."""

from typing import Any

import msgspec

from auth_service.core.claims import ACCESS_SECONDS
from auth_service.core.users import User


class RegisterBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    email: str
    password: str
    name: str


class LoginBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    email: str
    password: str


class EditBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str | None = None
    picture: str | None = None
    profile: dict[str, Any] | None = None


class UserBody(msgspec.Struct, frozen=True):
    """A user as he sees himself; nobody else gets the address."""

    id: str
    email: str
    name: str
    picture: str
    profile: dict[str, Any]


class TokenBody(msgspec.Struct, frozen=True, kw_only=True):
    access_token: str
    token_type: str = "Bearer"  # noqa: S105 -- the kind of token, no secret
    expires_in: int = ACCESS_SECONDS
    user: UserBody


def user_body(user: User) -> UserBody:
    return UserBody(user.id, user.email, user.name, user.picture, dict(user.profile))
