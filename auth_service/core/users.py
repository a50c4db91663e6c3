"""Users: what an account is and which addresses, names and profiles are accepted.

Decisions only. An address is compared as it is stored: trimmed, composed, in lower case. The profile is the user's own
JSON object; nothing in it grants anything, rights come from `role`.
"""

import json
import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, Literal, NewType
from urllib.parse import urlsplit

from auth_service.core import errors

UserId = NewType("UserId", str)
Role = Literal["administrator", "member"]
Profile = Mapping[str, Any]

MAX_EMAIL_CHARACTERS = 128
MAX_NAME_CHARACTERS = 64
MAX_PICTURE_CHARACTERS = 512
MAX_PROFILE_BYTES = 8192
MAX_PROFILE_DEPTH = 8

DEMO_USERS: Final[tuple[tuple[str, str, Role], ...]] = (
    ("dog1@test.com", "dog1", "administrator"),
    ("dog2@test.com", "dog2", "member"),
)
"""Address, name (and password), role. They exist in demo mode and nowhere else."""

_RESERVED: Final = frozenset(email for email, _, _ in DEMO_USERS)
_EMAIL = re.compile(r"[^\s@]+@[^\s@]+")


@dataclass(frozen=True, slots=True)
class User:
    id: UserId
    email: str
    password: str
    """The Argon2id hash."""
    name: str
    picture: str
    profile: Profile
    role: Role
    is_disabled: bool = False


@dataclass(frozen=True, slots=True)
class Account:
    """A user as an administrator lists him."""

    user: User
    created_at: datetime
    last_used_at: datetime | None
    """When one of his sessions was last used; None if there is none."""


@dataclass(frozen=True, slots=True)
class Edit:
    """What a user changes of himself; None leaves a thing as it is, a None inside the profile removes that key."""

    name: str | None = None
    picture: str | None = None
    profile: Profile | None = None


def normalised_email(text: str) -> str:
    return unicodedata.normalize("NFC", text).strip().lower()


def checked_email(text: str) -> str:
    """An address that somebody may take or be invited by. Raises InvalidInput."""
    email = normalised_email(text)
    if not _EMAIL.fullmatch(email) or not email.isprintable():
        raise errors.invalid_field("email", "is not an e-mail address")
    if len(email) > MAX_EMAIL_CHARACTERS:
        raise errors.invalid_field("email", f"takes {MAX_EMAIL_CHARACTERS} characters or fewer")
    if email in _RESERVED:
        # Where somebody else has it, the site looks like a demo to whoever runs it.
        raise errors.invalid_field("email", "is kept for demos; take another one")
    return email


def checked_name(text: str) -> str:
    name = unicodedata.normalize("NFC", text).strip()
    # isprintable also refuses the bidirectional overrides that would turn other people's lines around.
    if not name or not name.isprintable():
        raise errors.invalid_field("name", "needs a visible character, and no control characters")
    if len(name) > MAX_NAME_CHARACTERS:
        raise errors.invalid_field("name", f"takes {MAX_NAME_CHARACTERS} characters or fewer")
    return name


def edited(user: User, edit: Edit) -> User:
    """The user after the edit. Raises InvalidInput."""
    return replace(
        user,
        name=user.name if edit.name is None else checked_name(edit.name),
        picture=user.picture if edit.picture is None else _checked_picture(edit.picture),
        profile=user.profile if edit.profile is None else _merged_profile(user.profile, edit.profile),
    )


def differs(before: User, after: User) -> bool:
    """Whether an edit changed anything; in JSON 1 and true are two things."""
    return before != after or json.dumps(before.profile) != json.dumps(after.profile)


def _checked_picture(text: str) -> str:
    """Empty, or an https address; it travels in every token, so it is short and ASCII."""
    if not text:
        return ""
    is_plain = text.isascii() and text.isprintable() and " " not in text
    if not is_plain or len(text) > MAX_PICTURE_CHARACTERS:
        raise errors.invalid_field("picture", f"takes an https address of {MAX_PICTURE_CHARACTERS} characters or fewer")
    try:
        parts = urlsplit(text)
    except ValueError as error:
        raise errors.invalid_field("picture", "is not an address") from error
    if parts.scheme != "https" or not parts.hostname:
        raise errors.invalid_field("picture", "is not an https address")
    return text


def _merged_profile(profile: Profile, changes: Profile) -> Profile:
    merged = {key: value for key, value in {**profile, **changes}.items() if value is not None}
    if _depth(merged) > MAX_PROFILE_DEPTH:
        raise errors.invalid_field("profile", f"is nested deeper than {MAX_PROFILE_DEPTH} levels")
    encoded = json.dumps(merged, ensure_ascii=False)
    if len(encoded.encode()) > MAX_PROFILE_BYTES:
        raise errors.invalid_field("profile", f"takes {MAX_PROFILE_BYTES} bytes of JSON or fewer")
    return merged


def _depth(value: object) -> int:
    """Levels of objects and arrays, counted without recursion: the value comes from a stranger."""
    depth, level = 0, _inside([value])
    while level:
        depth += 1
        level = _inside(item for container in level for item in container)
    return depth


def _inside(values: Iterable[object]) -> list[Collection[object]]:
    """What the objects and arrays among the values hold."""
    return [
        value.values() if isinstance(value, Mapping) else value for value in values if isinstance(value, Mapping | list)
    ]
