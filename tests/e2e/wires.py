"""Connections that keep every byte they are sent, over either transport and without an SDK between.

A test that says "nothing of this reached them" looks at `raw`: what a client library would drop counts as well.
"""

import asyncio
import json
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import aiohttp
from typing_extensions import override

from tests.driver import PATIENCE_SECONDS
from tests.faults import eventually


class Wire(ABC):
    """One connection. `came` has the time of arrival beside every message, by the clock of the event loop."""

    def __init__(self) -> None:
        self.raw = ""
        self.came: list[tuple[float, dict[str, Any]]] = []
        self.is_open = True
        self.welcome: dict[str, Any] = {}
        self._last_id = 0
        self._reading: asyncio.Task[None] | None = None

    @property
    def messages(self) -> list[dict[str, Any]]:
        return [message for _, message in self.came]

    async def call(self, **command: Any) -> dict[str, Any]:
        """Send a command and answer its reply, or `{"closed": True}` where the connection ended instead."""
        self._last_id += 1
        number = self._last_id
        await self.send(json.dumps({"id": number, **command}))
        return await self.reply(number)

    async def rpc(self, method: str, **data: Any) -> dict[str, Any]:
        return await self.call(rpc={"method": method, "data": data})

    async def reply(self, number: int) -> dict[str, Any]:
        def found() -> dict[str, Any] | None:
            return next((message for message in self.messages if message.get("id") == number), None)

        await eventually(lambda: found() or not self.is_open, seconds=PATIENCE_SECONDS)
        return found() or {"closed": True}

    async def sees(self, what: str) -> None:
        await eventually(lambda: what in self.raw, seconds=PATIENCE_SECONDS)

    def publications(self, channel: str) -> list[dict[str, Any]]:
        pushes = [message.get("push", {}) for message in self.messages]
        return [push["pub"] for push in pushes if push.get("channel") == channel and "pub" in push]

    def last_came(self, channel: str) -> float:
        """When the last publication of the channel came; 0 for never."""
        return max(
            (at for at, m in self.came if m.get("push", {}).get("channel") == channel and "pub" in m["push"]),
            default=0.0,
        )

    def offsets(self, channel: str) -> list[int]:
        return [publication["offset"] for publication in self.publications(channel)]

    def position_of(self, channel: str) -> int:
        """Where the channel stands: at what the server's `subscribe` push said, and each next offset that followed."""
        position = -1
        for push in (message.get("push", {}) for message in self.messages):
            if push.get("channel") == channel and "subscribe" in push:
                position = push["subscribe"].get("offset", 0)
            elif push.get("channel") == channel and "pub" in push:
                assert push["pub"]["offset"] == position + 1, "a hole"
                position += 1
        return position

    @abstractmethod
    async def send(self, text: str) -> None: ...

    @abstractmethod
    def pieces(self) -> AsyncIterator[str]:
        """Everything the connection is sent, in whole lines."""

    @abstractmethod
    async def hang_up(self) -> None: ...

    @property
    @abstractmethod
    def code(self) -> int | None:
        """What the gateway ended the connection with; None while it is open, or where it told nothing."""

    def begin(self) -> None:
        self._reading = asyncio.create_task(self._read())

    async def end(self) -> None:
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)

    async def _read(self) -> None:
        try:
            with suppress(aiohttp.ClientError, ConnectionError):
                async for piece in self.pieces():
                    await self._take(piece)
        finally:
            self.is_open = False

    async def _take(self, piece: str) -> None:
        self.raw += piece
        now = asyncio.get_running_loop().time()
        for line in piece.splitlines():
            self.came.append((now, json.loads(line)))
            if line == "{}":
                await self.send("{}")


class WebSocketWire(Wire):
    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        super().__init__()
        self._socket = socket

    @override
    async def send(self, text: str) -> None:
        with suppress(ConnectionError):
            await self._socket.send_str(text)

    @override
    async def pieces(self) -> AsyncIterator[str]:
        async for message in self._socket:
            yield message.data

    @override
    async def hang_up(self) -> None:
        await self._socket.close()

    @property
    @override
    def code(self) -> int | None:
        return self._socket.close_code


class StreamWire(Wire):
    """`/connection/http_stream`; what the client says later goes by `/emulation`."""

    def __init__(self, http: aiohttp.ClientSession, answer: aiohttp.ClientResponse, base: str) -> None:
        super().__init__()
        self._http = http
        self._answer = answer
        self._base = base
        self._last_id = 1

    @override
    async def send(self, text: str) -> None:
        body = {"session": self.welcome["session"], "node": self.welcome["node"], "data": text}
        async with self._http.post(f"{self._base}/emulation", json=body) as answer:
            assert answer.status in {204, 404}, await answer.text()

    @override
    async def pieces(self) -> AsyncIterator[str]:
        async for line in self._answer.content:
            yield line.decode()

    @override
    async def hang_up(self) -> None:
        self._answer.close()

    @property
    @override
    def code(self) -> int | None:
        pushes = [message.get("push", {}) for message in self.messages]
        return next((push["disconnect"]["code"] for push in pushes if "disconnect" in push), None)


@asynccontextmanager
async def web_socket(http: aiohttp.ClientSession, base: str, **connect: Any) -> AsyncIterator[WebSocketWire]:
    """Connect to a gateway by its address, or to the front; `connect` is the command, its token included."""
    async with http.ws_connect(f"{base}/connection/websocket") as socket:
        wire = WebSocketWire(socket)
        wire.begin()
        try:
            wire.welcome = (await wire.call(connect=connect)).get("connect", {})
            yield wire
        finally:
            await wire.end()


@asynccontextmanager
async def http_stream(http: aiohttp.ClientSession, base: str, **connect: Any) -> AsyncIterator[StreamWire]:
    """Connect without any WebSocket."""
    body = json.dumps({"id": 1, "connect": connect})
    async with http.post(f"{base}/connection/http_stream", data=body) as answer:
        wire = StreamWire(http, answer, base)
        wire.begin()
        try:
            wire.welcome = (await wire.reply(1)).get("connect", {})
            yield wire
        finally:
            await wire.end()
