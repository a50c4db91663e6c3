"""Nginx with the real template, in front of small servers that answer what they were asked."""

import asyncio
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, closing, suppress
from pathlib import Path
from types import MappingProxyType
from typing import Self

import aiohttp
import pytest
from aiohttp import web

from deploy.front import find_nginx, local_values, write_configuration
from deploy.ports import Ports
from tests.faults import free_port
from tests.processes import end


class Upstream:
    """Answers every request with what reached it; a WebSocket is echoed. `refuses` answers 503 instead.

    `says` are headers it adds to its answers.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.port = free_port()
        self.refuses = False
        self.says: dict[str, str] = {}
        self.requests = 0
        self._runner = web.AppRunner(self._application())

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port).start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def stop(self) -> None:
        await self._runner.cleanup()

    def _application(self) -> web.Application:
        application = web.Application(client_max_size=16 * 1024 * 1024)
        application.router.add_route("*", "/{path:.*}", self._answer)
        return application

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self.requests += 1
        if self.refuses:
            raise web.HTTPServiceUnavailable(headers={"Retry-After": "7"})
        if request.headers.get("Upgrade") == "websocket":
            socket = web.WebSocketResponse()
            await socket.prepare(request)
            await socket.send_str(self.name)
            return socket
        seen = {
            "from": self.name,
            "path": request.path_qs,
            "headers": {name.lower(): value for name, value in request.headers.items()},
        }
        return web.json_response(seen, headers={"Cache-Control": "no-store", **self.says})


class Front:
    def __init__(self, folder: Path, auth: Upstream, gateways: tuple[Upstream, Upstream]) -> None:
        self.auth, self.gateways = auth, gateways
        self.port = free_port()
        self.base = f"http://localhost:{self.port}"
        self.folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    async def start(self, changed: MappingProxyType[str, str] = MappingProxyType({})) -> None:
        client = self.folder / "client"
        (client / "assets").mkdir(parents=True)
        (client / "index.html").write_text("<!doctype html><title>Parley</title>")
        (client / "favicon.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
        (client / "assets" / "app-1a2b.js").write_text("export {};" * 200)
        values = local_values(Ports(self.port), ("127.0.0.1",), client) | {
            "AUTH_SERVERS": f"server 127.0.0.1:{self.auth.port} max_fails=0;",
            "GATEWAY_SERVERS": " ".join(f"server 127.0.0.1:{g.port} max_fails=0;" for g in self.gateways),
        }
        write_configuration(self.folder / "nginx", values | changed)
        command = [find_nginx(), "-p", f"{self.folder / 'nginx'}/", "-c", "nginx.conf", "-e", "stderr"]
        self._process = self._spawn(command)
        async with asyncio.timeout(10):
            while not await self._is_open():
                assert self._process.poll() is None, self.log()

    def _spawn(self, command: list[str]) -> subprocess.Popen[bytes]:
        with (self.folder / "log").open("wb") as log:
            return subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, start_new_session=True)

    def log(self) -> str:
        return (self.folder / "log").read_text()

    def stop(self) -> None:
        if self._process is not None:
            end(self._process)

    async def _is_open(self) -> bool:
        with suppress(OSError):
            _, writer = await asyncio.open_connection("127.0.0.1", self.port)
            with closing(writer):
                return True
        return False


@pytest.fixture
async def stopped_front(tmp_path: Path) -> AsyncIterator[Front]:
    async with AsyncExitStack() as stack:
        auth, first, second = [
            await stack.enter_async_context(Upstream(name)) for name in ("auth", "gateway1", "gateway2")
        ]
        front = Front(tmp_path, auth, (first, second))
        stack.callback(front.stop)
        yield front


@pytest.fixture
async def front(stopped_front: Front) -> Front:
    await stopped_front.start()
    return stopped_front


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        yield session


@pytest.fixture
def owner() -> Iterator[subprocess.Popen[bytes]]:
    """Stand in for the process on whose life a keeper depends."""
    with subprocess.Popen(["sleep", "60"]) as process:
        yield process
        process.kill()
