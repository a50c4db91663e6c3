"""A keyring, the auth it asks through a proxy, and the clocks both go by."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from chat_gateway.keyring import Keyring, Times, jwks_over_http
from tests.faults import TcpProxy, eventually
from tests.integration.chat_gateway.auth import ISSUER, JWKS, Auth

NOW = 1_800_000_000.0
TIMES = Times(refresh=1000, retry=0.01, longest_retry=0.02, patience=0.3)


class Clock:
    """The wall clock and the monotonic one, both by hand."""

    def __init__(self) -> None:
        self.wall, self.steady = NOW, 1000.0


class Setting:
    """A keyring, the auth it asks through a proxy, and the clocks both go by."""

    def __init__(self, auth: Auth, proxy: TcpProxy, session: aiohttp.ClientSession) -> None:
        self.auth, self.issuer, self.proxy = auth, auth.issuer, proxy
        self.clock, self.dropped = Clock(), list[str]()
        self.keyring = Keyring(
            jwks_over_http(session, f"http://127.0.0.1:{proxy.port}{JWKS}", seconds=1.0),
            issuer=ISSUER,
            audience="chat",
            clock=lambda: self.clock.wall,
            monotonic=lambda: self.clock.steady,
            times=TIMES,
            on_key_dropped=self.dropped.append,
        )

    def token(self, key_id: str = "k1", **options: Any) -> str:
        return self.issuer.token(key_id, **{"sub": "u1", "name": "dog1", **options})

    async def fetched(self, times: int = 1) -> None:
        """Wait until auth was asked that often, and for what came of it."""
        # The end of a round has no public sign.
        await eventually(lambda: self.auth.key_fetches >= times and not self.keyring._fetching)


@asynccontextmanager
async def running(setting: Setting) -> AsyncIterator[None]:
    task = asyncio.create_task(setting.keyring.run())
    try:
        await setting.fetched(setting.auth.key_fetches + 1)
        setting.clock.steady += 1
        yield
    finally:
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
