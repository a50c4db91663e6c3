"""Sessions and the line of refresh tokens each of them has.

A token is exchanged once; its successor is computed, not drawn, so every instance can give the same one again:
HMAC(key, salt + token). Two tabs at once, repeated requests and lost answers never log an honest client out; a token
whose successor was used is a stolen copy, theirs or ours, and ends the session. All times are the database's.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Container, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import NewType

from auth_service.core.users import User

SessionId = NewType("SessionId", str)
RefreshToken = NewType("RefreshToken", bytes)
TokenHash = NewType("TokenHash", bytes)
RefreshKeys = Mapping[str, bytes]
"""HMAC keys by id; the first one issues, the others still answer."""

TOKEN_BYTES = 32
SALT_BYTES = 16
GRACE = timedelta(seconds=10)
IDLE = timedelta(days=30)
ABSOLUTE = timedelta(days=90)
MOST_SESSIONS = 100
"""Of a user, living at once: one more ends the least recently used, so that whatever ends all of them is done soon."""
MOST_EXCHANGES = 30
"""Of a session within the grace: more than any browser needs, and the longest line that a repeat has to follow."""

_TOKEN_TEXT = re.compile(r"[A-Za-z0-9_-]{43}")


@dataclass(frozen=True, slots=True)
class Exchange:
    """What the exchange of a token writes into its row: enough to compute the successor again."""

    salt: bytes
    key_id: str
    successor: TokenHash


@dataclass(frozen=True, slots=True)
class Exchanged:
    """An exchange that happened: when, and whether its successor was presented since."""

    salt: bytes
    key_id: str
    at: datetime
    is_successor_used: bool


@dataclass(frozen=True, slots=True)
class Presented:
    """A refresh token somebody shows, as the store knows it now."""

    hash: TokenHash
    session: SessionId
    user: User
    started_at: datetime
    last_used_at: datetime
    is_ended: bool
    is_killed: bool
    exchanged: Exchanged | None
    now: datetime


@dataclass(frozen=True, slots=True)
class Session:
    """A session as its owner sees it."""

    id: SessionId
    user_agent: str
    network: str
    started_at: datetime
    last_used_at: datetime


Line = Mapping[TokenHash, Exchange]
"""What the tokens of a session were exchanged for within the grace."""


class Decision(Enum):
    ROTATE = auto()
    """Never used: exchange it."""
    REPEAT = auto()
    """Just exchanged, by another tab or a repeated request: the same successor again."""
    REPLACE = auto()
    """Exchanged long ago and the answer never arrived: a new successor, which kills the unused one."""
    REFUSE = auto()
    """The session is over."""
    REUSE = auto()
    """A copy exists: the session ends."""


def decide(presented: Presented, known_keys: Container[str]) -> Decision:
    is_over = presented.is_ended or presented.user.is_disabled
    is_idle = presented.now - presented.last_used_at > IDLE
    if is_over or is_idle or presented.now - presented.started_at > ABSOLUTE:
        return Decision.REFUSE
    if presented.is_killed:
        return Decision.REUSE
    if presented.exchanged is None:
        return Decision.ROTATE
    return _decide_again(presented.exchanged, presented.now, known_keys)


def _decide_again(exchanged: Exchanged, now: datetime, known_keys: Container[str]) -> Decision:
    is_in_grace = now - exchanged.at <= GRACE
    if is_in_grace and exchanged.key_id in known_keys:
        return Decision.REPEAT
    if not exchanged.is_successor_used:
        return Decision.REPLACE
    # In grace, but the key that made the successor was taken out of the settings: nothing to answer, nobody to blame.
    return Decision.REFUSE if is_in_grace else Decision.REUSE


def token_hash(token: RefreshToken) -> TokenHash:
    return TokenHash(hashlib.sha256(token).digest())


def successor(key: bytes, salt: bytes, token: RefreshToken) -> RefreshToken:
    return RefreshToken(hmac.new(key, salt + token, hashlib.sha256).digest())


def latest(keys: RefreshKeys, line: Line, token: RefreshToken) -> RefreshToken:
    """What the token was exchanged for; if that was exchanged just now as well, what it was exchanged for.

    A request that was under way for long would otherwise put an old token back into the browser of an honest client,
    who would be taken for a thief by it once the seconds of grace are over.
    """
    while (exchange := line.get(token_hash(token))) is not None and exchange.key_id in keys:
        token = successor(keys[exchange.key_id], exchange.salt, token)
    return token


def as_text(token: RefreshToken) -> str:
    return base64.urlsafe_b64encode(token).rstrip(b"=").decode()


def from_text(text: str) -> RefreshToken | None:
    """The token a cookie holds; None if it cannot be one of ours."""
    if not _TOKEN_TEXT.fullmatch(text):
        return None
    return RefreshToken(base64.urlsafe_b64decode(text + "="))
