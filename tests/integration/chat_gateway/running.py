"""A whole gateway in this process, the auth it asks, and clients that speak the protocol by hand."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from pydantic import SecretStr

from chat_gateway.app import serve
from chat_gateway.settings import ChatSettings
from tests.faults import free_port
from tests.integration.chat_gateway.auth import INTERNAL_KEY, ISSUER, Auth

LOBBY = "lobby"


class Peer:
    """A client that speaks the protocol by hand, one JSON text at a time."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket
        self.pushes: list[dict[str, Any]] = []
        self._heard: list[dict[str, Any]] = []
        self._id = 0

    async def ask(self, **command: Any) -> dict[str, Any]:
        self._id += 1
        await self.socket.send_str(json.dumps({"id": self._id, **command}))
        while True:
            reply = await self.hear()
            if reply.get("id") == self._id:
                return reply
            self.pushes.append(reply)

    async def rpc(self, method: str, **data: Any) -> dict[str, Any]:
        return await self.ask(rpc={"method": method, "data": data})

    async def hear(self) -> dict[str, Any]:
        if not self._heard:
            self._heard += map(json.loads, (await self.socket.receive_str(timeout=5)).splitlines())
        return self._heard.pop(0)

    async def is_closed_with(self) -> int:
        while (message := await self.socket.receive(timeout=5)).type is not aiohttp.WSMsgType.CLOSE:
            assert message.type is aiohttp.WSMsgType.TEXT, message
        code: int = message.data
        return code


class Running:
    def __init__(self, settings: ChatSettings, auth: Auth, http: aiohttp.ClientSession) -> None:
        self.settings, self.auth, self.http = settings, auth, http
        self._peers: list[Peer] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.settings.port}"

    def token(self, **options: Any) -> str:
        return self.auth.issuer.token(**options)

    async def open(self, **options: Any) -> Peer:
        peer = Peer(await self.http.ws_connect(f"{self.url}/connection/websocket", autoclose=False, **options))
        self._peers.append(peer)
        return peer

    async def connect(self, **claims: Any) -> Peer:
        """Connect as a client does: on a busy machine a gateway may say that it cannot now."""
        while True:
            peer = await self.open()
            reply = await peer.ask(connect={"token": self.token(**claims)})
            if "connect" in reply:
                return peer
            assert reply["error"].get("temporary"), reply

    async def close(self) -> None:
        for peer in self._peers:
            await peer.socket.close()

    async def is_ready(self) -> bool:
        try:
            async with self.http.get(f"http://127.0.0.1:{self.settings.ops_port}/readyz") as answer:
                return answer.status == 200
        except aiohttp.ClientError:
            return False


@asynccontextmanager
async def running_gateway(database: str, redis: str, **options: Any) -> AsyncIterator[Running]:
    """Run one with these settings beside those of `settings_for`."""
    auth, stop = Auth(), asyncio.Event()
    async with auth.served() as port, aiohttp.ClientSession() as http, asyncio.TaskGroup() as tasks:
        settings = settings_for(database, redis, auth_port=port, **options)
        serving = tasks.create_task(serve(settings, stop))
        running = Running(settings, auth, http)
        try:
            async with asyncio.timeout(30):
                while not await running.is_ready():
                    assert not serving.done(), "it ended before it was ready"
            yield running
            await running.close()
        finally:
            stop.set()


def settings_for(database: str, redis: str, *, auth_port: int, **options: Any) -> ChatSettings:
    return ChatSettings(
        parley_mode="demo",
        public_url=ISSUER,
        internal_key=SecretStr(INTERNAL_KEY),
        redis_url=redis,
        database_url=database,
        auth_url=f"http://127.0.0.1:{auth_port}",
        port=free_port(),
        ops_port=free_port(),
        instance="under-test",
        drain_seconds=0,
        ping_seconds=25,
        **options,
    )
