"""A client that speaks the protocol's JSON over a WebSocket and shows everything it is told, raw."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import jwt

from tests.conformance.tokens import SECRET

_PATIENCE_SECONDS = 10.0


def token(user: str = "42", **claims: Any) -> str:
    return jwt.encode({"sub": user, **claims}, SECRET, "HS256")


def in_seconds(seconds: int) -> int:
    return int(time.time()) + seconds


class Talker:
    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._last_id = 0
        self._unread: list[dict[str, Any]] = []

    async def call(self, **command: Any) -> Any:
        """Send a command and answer its result, or its error as it is."""
        self._last_id += 1
        await self._socket.send_str(json.dumps({"id": self._last_id, **command}))
        reply = await self._next(lambda message: message.get("id") == self._last_id)
        return reply.get("error") or reply[next(iter(command))]

    async def push(self, kind: str, channel: str) -> Any:
        """Wait for the next push of the kind in the channel that was not looked at yet."""
        found = await self._next(lambda m: m.get("push", {}).get("channel") == channel and kind in m["push"])
        return found["push"][kind]

    async def closed(self) -> tuple[int, str]:
        """Wait for the end, dropping what still comes."""
        async with asyncio.timeout(_PATIENCE_SECONDS):
            while True:
                message = await self._socket.receive()
                if message.type is aiohttp.WSMsgType.CLOSE:
                    return message.data, message.extra or ""

    async def _next(self, is_wanted: Any) -> dict[str, Any]:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            while True:
                for number, message in enumerate(self._unread):
                    if is_wanted(message):
                        return self._unread.pop(number)
                payload = await self._socket.receive_str()
                self._unread.extend(json.loads(line) for line in payload.split("\n"))


@asynccontextmanager
async def talking(address: str) -> AsyncIterator[Talker]:
    async with (
        aiohttp.ClientSession() as http,
        http.ws_connect(f"http://{address}/connection/websocket", autoclose=False) as socket,
    ):
        yield Talker(socket)


@asynccontextmanager
async def connected(address: str, user: str = "42", **claims: Any) -> AsyncIterator[Talker]:
    async with talking(address) as talker:
        assert "client" in await talker.call(connect={"token": token(user, **claims)})
        yield talker
