"""Whole instances that meet on Valkey, with their addresses for plain HTTP, and clients that use these."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Self

import aiohttp
from aiohttp import web

from chat_gateway.bus.redis_bus import RedisBus
from chat_gateway.bus.redis_link import Pace
from chat_gateway.realtime.publication import Batch
from chat_gateway.transports import http_stream
from chat_gateway.transports.emulation import Emulation
from chat_gateway.transports.listener import bound_socket
from shared.web import application
from tests.clients import Instance, token_of
from tests.fakes import OpenChannels
from tests.faults import eventually


class Node:
    """An instance on a bus, with its HTTP addresses."""

    def __init__(self, name: str, redis_url: str, channels: OpenChannels) -> None:
        self.name = name
        self.instance = Instance(channels)
        self.instance.engine.instance = name
        pace = Pace(beat_seconds=0.02, silence_seconds=0.5, connect_seconds=0.5)
        self.bus = RedisBus(redis_url, receiver=self, instance=name, pace=pace, back_off_seconds=(0.01, 0.1))
        self.instance.engine.carried_by(self.bus)
        self.emulation = Emulation(name, self.bus.forward)
        self.base = ""
        self.port = 0

    def received(self, batch: Batch) -> None:
        self.instance.hub.received(batch)

    def confirmed(self, channels: Sequence[str]) -> None:
        self.instance.hub.confirmed(channels)

    def rung(self) -> None: ...

    def forwarded(self, message: bytes) -> None:
        self.emulation.forwarded(message)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Self]:
        app = application(trusted=())
        links = self.emulation.links
        accept = self.instance.engine.accept
        app.router.add_post("/connection/http_stream", http_stream.handler(origins=[], links=links, accept=accept))
        app.router.add_post("/emulation", self.emulation.handler(origins=[]))
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        listener = bound_socket("127.0.0.1", 0)
        await web.SockSite(runner, listener).start()
        self.port = listener.getsockname()[1]
        self.base = f"http://127.0.0.1:{self.port}"
        async with self.instance, asyncio.TaskGroup() as tasks:
            tasks.create_task(self.bus.run())
            await eventually(lambda: self.bus.healthy)
            yield self
            await self.bus.close()
            await runner.cleanup()


class Stream:
    """A client that reads from one instance; `send` may go to any."""

    def __init__(self, http: aiohttp.ClientSession, answer: aiohttp.ClientResponse) -> None:
        self.http = http
        self.answer = answer
        self.welcome: dict[str, Any] = {}

    @classmethod
    async def open(cls, http: aiohttp.ClientSession, base: str, *, token: str = "") -> Self:
        commands = json.dumps({"id": 1, "connect": {"token": token or token_of("ann")}})
        stream = cls(http, await http.post(f"{base}/connection/http_stream", data=commands))
        stream.welcome = (await stream.next())["connect"]
        return stream

    async def next(self) -> Any:
        async with asyncio.timeout(5):
            return json.loads(await self.answer.content.readline())

    async def send(self, base: str, **command: Any) -> int:
        body = {"session": self.welcome["session"], "node": self.welcome["node"], "data": json.dumps(command)}
        async with self.http.post(f"{base}/emulation", json=body) as answer:
            return answer.status
