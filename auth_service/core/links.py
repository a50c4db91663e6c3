"""One-time links: who holds one may do one thing once, without an account or a password.

Only the token's hash is stored. The token rides in the fragment of the address, which no server and no log sees.
"""

import base64
import hashlib
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NewType

from auth_service.core.users import Role, UserId

LinkToken = NewType("LinkToken", str)
LinkHash = NewType("LinkHash", bytes)

TOKEN_BYTES = 32


class LinkKind(StrEnum):
    SETUP = "setup"
    """Makes the first administrator of an empty site."""
    INVITATION = "invitation"
    """Makes one account where registration is by invitation."""
    RESET = "reset"
    """Chooses a new password for one account."""


LIFETIMES = {
    LinkKind.SETUP: timedelta(days=7),
    LinkKind.INVITATION: timedelta(days=7),
    LinkKind.RESET: timedelta(hours=24),
}
PATHS = {LinkKind.SETUP: "/setup", LinkKind.INVITATION: "/register", LinkKind.RESET: "/reset"}

_TOKEN_TEXT = re.compile(r"[A-Za-z0-9_-]{43}")


@dataclass(frozen=True, slots=True)
class Link:
    """`user` is whose password a reset changes, or who invited; `email` binds an invitation to one address."""

    kind: LinkKind
    role: Role = "member"
    user: UserId | None = None
    email: str | None = None


@dataclass(frozen=True, slots=True)
class Offer:
    """A new link, to be handed to whoever it is for: its address is not to be had again."""

    address: str
    expires_at: datetime


def token_text(token: bytes) -> LinkToken:
    return LinkToken(base64.urlsafe_b64encode(token).rstrip(b"=").decode())


def link_hash(token: LinkToken) -> LinkHash:
    return LinkHash(hashlib.sha256(token.encode()).digest())


def from_text(text: str) -> LinkToken | None:
    """A token somebody shows; None if it cannot be one of ours."""
    return LinkToken(text) if _TOKEN_TEXT.fullmatch(text) else None


def admits(link: Link, email: str) -> bool:
    """Whether an invitation is for this (normalised) address."""
    return link.email is None or link.email == email


def address(public_url: str, kind: LinkKind, token: LinkToken) -> str:
    return f"{public_url}{PATHS[kind]}#token={token}"
