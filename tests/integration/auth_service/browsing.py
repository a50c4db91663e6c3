"""A browser of Ann's that uses sessions by the actions alone, or the thief of its tokens."""

from dataclasses import replace

import pytest

from auth_service.actions import sessions
from auth_service.actions.sessions import LoggedIn
from auth_service.core.auth import Auth
from auth_service.core.sessions import RefreshToken
from shared.errors import Unauthenticated
from tests.integration.auth_service.rows import CALLER, Age, Feed

KEYS = {"new": b"n" * 32, "old": b"o" * 32}
EMAIL, PASSWORD = "ann@example.org", "correct horse"


class Browser:
    """`auth`, `age` and `feed` are those of the test."""

    def __init__(self, auth: Auth, age: Age, feed: Feed) -> None:
        self.auth, self.age, self.feed = auth, age, feed

    def use_keys(self, keys: dict[str, bytes]) -> None:
        self.auth = replace(self.auth, refresh_keys=keys)

    async def log_in(self, email: str = EMAIL, password: str = PASSWORD) -> LoggedIn:
        return await sessions.log_in(self.auth, CALLER, email=email, password=password)

    async def refresh(self, token: RefreshToken) -> RefreshToken:
        return (await sessions.refresh(self.auth, CALLER, token)).refresh_token

    async def log_out(self, token: RefreshToken) -> None:
        await sessions.log_out(self.auth, CALLER, token)

    async def ended(self) -> list[str]:
        return [subject for kind, subject in await self.feed() if kind == "session"]


async def refuses(browser: Browser, token: RefreshToken) -> bool:
    with pytest.raises(Unauthenticated, match="session_expired"):
        await browser.refresh(token)
    return True
