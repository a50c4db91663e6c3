"""Rows for the tests of auth: a user, token hashes, an exchange, a caller; and what `age` and `feed` are."""

from collections.abc import Awaitable, Callable
from typing import TypeAlias

import uuid_utils

from auth_service.core.callers import Caller
from auth_service.core.sessions import Exchange, SessionId, TokenHash
from auth_service.core.users import User, UserId

Age: TypeAlias = Callable[[float], Awaitable[None]]
Feed: TypeAlias = Callable[[], Awaitable[list[tuple[str, str]]]]

CALLER = Caller("203.0.113.9", "Firefox")
SESSION = SessionId("session")


def a_user(email: str = "ann@example.org") -> User:
    return User(UserId(str(uuid_utils.uuid7())), email, "hash", "Ann", "", {"likes": ["cats"]}, "member")


def a_hash(letter: str) -> TokenHash:
    return TokenHash(letter.encode() * 32)


def an_exchange(successor: str, salt: bytes = b"s" * 16) -> Exchange:
    return Exchange(salt, "a", a_hash(successor))


FIRST = a_hash("1")
