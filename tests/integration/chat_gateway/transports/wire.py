"""Both ends of a connection for tests: a server that records what its links tell, and a client made of raw bytes."""

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable, Mapping

from aiohttp import web
from typing_extensions import override

from chat_gateway.realtime.link import Link
from chat_gateway.transports import http_stream, sse
from chat_gateway.transports.emulation import Emulation
from chat_gateway.transports.listener import SEND_BUFFER_BYTES, bound_socket
from chat_gateway.transports.websocket import upgrade
from shared.web import application
from tests.unit.chat_gateway.transports.client_frames import frame

ORIGIN = "http://localhost:8080"
KEY = "dGhlIHNhbXBsZSBub25jZQ=="
REQUEST = {
    "Host": "localhost",
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Key": KEY,
    "Sec-WebSocket-Version": "13",
}


def request_head(path: str, headers: Mapping[str, str], method: str = "GET") -> bytes:
    """A request with the headers that have a value."""
    lines = [f"{name}: {value}" for name, value in headers.items() if value]
    return "\r\n".join([f"{method} {path} HTTP/1.1", *lines, "", ""]).encode()


def post(path: str, body: bytes, **headers: str) -> bytes:
    """A POST of JSON; header names are written with underscores."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    own = {"Host": "localhost", "Content-Type": "application/json", "Content-Length": str(len(body))}
    return request_head(path, {**own, **named}, "POST") + body


class Recorder:
    """A session that does nothing but note; `on_message` may act."""

    def __init__(self, link: Link) -> None:
        self.link = link
        self.messages: list[bytes] = []
        self.writable_calls: list[bool] = []
        self.losses = 0
        self.gone = asyncio.Event()
        self.changed = asyncio.Event()
        self.on_message: Callable[[bytes], None] = lambda _: None

    def received(self, payload: bytes) -> None:
        self.messages.append(payload)
        self.changed.set()
        self.on_message(payload)

    def writable(self, on: bool) -> None:  # noqa: FBT001 - as the port has it
        self.writable_calls.append(on)
        self.changed.set()

    def lost(self) -> None:
        self.losses += 1
        self.gone.set()
        self.changed.set()

    async def until(self, true: Callable[[], bool]) -> None:
        async with asyncio.timeout(5):
            while not true():
                self.changed.clear()
                await self.changed.wait()


class Echo(Recorder):
    @override
    def received(self, payload: bytes) -> None:
        super().received(payload)
        self.link.write(self.link.wrap(payload))


async def at_once(_: web.Request) -> None: ...


class Server:
    def __init__(self) -> None:
        self.receivers: list[Recorder] = []
        self.accept: Callable[[Link], Recorder] = Echo
        self.before: Callable[[web.Request], Awaitable[None]] = at_once
        self.send_buffer_bytes = SEND_BUFFER_BYTES
        self.port = 0
        app = application(trusted=())
        app.router.add_get("/ws", self._upgrade)
        self.emulation = Emulation("here", self._forward)
        self.forwards: list[tuple[str, bytes]] = []
        self.forward: Callable[[str], bool] = lambda _node: False
        for path, transport in (("/http_stream", http_stream), ("/sse", sse)):
            handler = transport.handler(origins=[ORIGIN], links=self.emulation.links, accept=self._accept)
            app.router.add_route("*", path, handler)
        app.router.add_route("*", "/emulation", self.emulation.handler(origins=[ORIGIN]))
        self.runner = web.AppRunner(app, access_log=None)

    async def start(self) -> None:
        await self.runner.setup()
        listener = bound_socket("127.0.0.1", 0, send_buffer_bytes=self.send_buffer_bytes)
        self.port = listener.getsockname()[1]
        await web.SockSite(self.runner, listener).start()

    async def stop(self) -> None:
        for receiver in self.receivers:
            receiver.link.abort()
        for receiver in self.receivers:
            await receiver.gone.wait()
        await self.runner.cleanup()

    async def _upgrade(self, request: web.Request) -> web.StreamResponse:
        await self.before(request)
        return upgrade(request, origins=[ORIGIN], accept=self._accept)

    async def _forward(self, node: str, message: bytes) -> bool:
        self.forwards.append((node, message))
        return self.forward(node)

    def _accept(self, link: Link) -> Recorder:
        receiver = self.accept(link)
        self.receivers.append(receiver)
        return receiver


class Client:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.head = b""

    @classmethod
    async def open(
        cls,
        port: int,
        *,
        headers: Mapping[str, str] | None = None,
        path: str = "/ws",
        early: bytes = b"",
        receive_buffer_bytes: int = 0,
    ) -> "Client":
        """Connect, ask for the upgrade and send `early` behind the request, in one write."""
        request = request_head(path, {**REQUEST, **(headers or {})}) + early
        return await cls.ask(port, request, receive_buffer_bytes=receive_buffer_bytes)

    @classmethod
    async def ask(cls, port: int, request: bytes, *, receive_buffer_bytes: int = 0) -> "Client":
        """Connect, send these bytes and wait for the head of the answer."""
        sock = socket.socket()
        sock.setblocking(False)
        if receive_buffer_bytes:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer_bytes)
        await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", port))
        client = cls(*await asyncio.open_connection(sock=sock, limit=1 << 22))
        client.writer.write(request)
        async with asyncio.timeout(5):
            client.head = await client.reader.readuntil(b"\r\n\r\n")
        return client

    @property
    def status(self) -> int:
        return int(self.head.split()[1])

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def frame(self) -> tuple[int, bytes]:
        """The next frame of the server: opcode and payload."""
        async with asyncio.timeout(5):
            first, length = await self.reader.readexactly(2)
            if length == 126:
                length = int.from_bytes(await self.reader.readexactly(2))
            elif length == 127:
                length = int.from_bytes(await self.reader.readexactly(8))
            return first & 0x0F, await self.reader.readexactly(length)

    async def line(self) -> bytes:
        """The next line of the server, without its end."""
        async with asyncio.timeout(5):
            return (await self.reader.readuntil(b"\n"))[:-1]

    async def barrier(self) -> None:
        """Wait until the server has taken everything sent so far."""
        self.send(frame(9, b"barrier"))
        while await self.frame() != (10, b"barrier"):
            pass

    async def rest(self) -> bytes:
        """Everything until the server's end of file; a reset counts as one."""
        with contextlib.suppress(ConnectionResetError):
            async with asyncio.timeout(5):
                return await self.reader.read()
        return b""
