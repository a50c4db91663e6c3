"""The gateway's own engine, transports, store and relay with open channels: what suites of other SDKs run against.

    python -m tests.conformance.server --port 8000 [--redis redis://127.0.0.1:6379/0] [--insecure]

Its options are those of the reference server's usual test configuration. It listens on the loopback addresses only.
"""

import argparse
import asyncio
import contextlib
import socket
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from aiohttp import web
from typing_extensions import override

from chat_gateway.api.routes import make_application
from chat_gateway.bus.memory_bus import MemoryBus, MemoryExchange
from chat_gateway.bus.redis_bus import RedisBus
from chat_gateway.core.entries import Entry
from chat_gateway.core.ids import LogId
from chat_gateway.protocol.checked_json_codec import CHECKED_JSON
from chat_gateway.realtime.engine import Engine
from chat_gateway.realtime.limits import Limits
from chat_gateway.realtime.link import Link, Receiver
from chat_gateway.realtime.ports import Bus
from chat_gateway.realtime.publication import Batch
from chat_gateway.store import migrate
from chat_gateway.store.database import Database
from chat_gateway.store.group_commit import GroupCommit
from chat_gateway.transports import http_stream, sse, websocket
from chat_gateway.transports.emulation import Emulation
from chat_gateway.transports.listener import bound_socket
from shared import logs
from shared.web import Site, Trusted, bind, stop_signal
from tests.conformance import api
from tests.conformance.channels import OpenChannels
from tests.conformance.envelope import opened_batch, sealed_batch
from tests.conformance.presence import ChannelPresence, SharedPresence
from tests.conformance.store import OpenAppender, OpenLog, publication_of


class _Everything(frozenset[str]):
    """Any origin: pages of the SDKs' own tests come from anywhere, and there is nothing here to protect."""

    @override
    def __contains__(self, _origin: object) -> bool:
        return True


class RunningBus(Bus, Protocol):
    async def run(self) -> None: ...


class SealedBus(Bus):
    """Puts publications into envelopes on their way out: the bus carries no publisher."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    @override
    def publish(self, batch: Batch) -> None:
        self._bus.publish(sealed_batch(batch))

    @override
    def subscribe(self, channel: str) -> None:
        self._bus.subscribe(channel)

    @override
    def unsubscribe(self, channel: str) -> None:
        self._bus.unsubscribe(channel)

    @override
    async def forward(self, node: str, message: bytes) -> bool:
        return await self._bus.forward(node, message)


class Server:
    """One instance, wired as app.py wires the product's."""

    def __init__(self, database: Database, *, instance: str, redis_url: str | None, insecure: bool) -> None:
        assert database.writer is not None
        log = OpenLog(database)
        self.commit = GroupCommit(OpenAppender(database.writer), self._committed)
        self.channels = OpenChannels(self.commit, log, insecure=insecure)
        self.presence = SharedPresence(redis_url) if redis_url else ChannelPresence()
        self.engine = Engine(
            application=self.channels,
            log=log,
            instance=instance,
            version="parley conformance",
            now=time.time,
            monotonic=time.monotonic,
            presence=self.presence,
            limits=Limits(spread_seconds=0.1, sockets_per_user=1_000),  # the suites are one user
        )
        self.presence.announce = self.engine.announce
        self.bus: RunningBus = (
            RedisBus(redis_url, receiver=self, instance=instance)
            if redis_url
            else MemoryBus(MemoryExchange(), receiver=self)
        )
        self.engine.carried_by(SealedBus(self.bus))
        self.emulation = Emulation(instance, self.bus.forward)

    def received(self, batch: Batch) -> None:
        self.engine.hub.received(opened_batch(batch))

    def confirmed(self, channels: Sequence[str]) -> None:
        self.engine.hub.confirmed(channels)

    def rung(self) -> None: ...

    def forwarded(self, message: bytes) -> None:
        self.emulation.forwarded(message)

    def accept(self, link: Link) -> Receiver:
        """Take a client. What clients of the other encoding publish need not be JSON."""
        if not link.codec.binary:
            link.codec = CHECKED_JSON
        return self.engine.accept(link)

    def application(self) -> web.Application:
        origins, accept = _Everything(), self.accept

        async def connect(request: web.Request) -> web.StreamResponse:
            return websocket.upgrade(request, origins=origins, accept=accept)

        app = make_application(
            trusted=Trusted(()),
            connect=connect,
            http_stream=http_stream.handler(origins=origins, links=self.emulation.links, accept=accept),
            emulation=self.emulation.handler(origins=origins),
        )
        events = sse.handler(origins=origins, links=self.emulation.links, accept=accept)
        for method in ("GET", "POST", "OPTIONS"):
            app.router.add_route(method, "/connection/sse", events)
        api.add_routes(app, self.channels)
        return app

    async def run(self, listeners: Sequence[socket.socket], stop: asyncio.Event) -> None:
        site = Site(self.application(), shutdown_seconds=1.0)
        async with asyncio.TaskGroup() as tasks:
            running = [tasks.create_task(part.run()) for part in (self.engine, self.bus, self.presence)]
            committing = tasks.create_task(self.commit.run())
            try:
                await site.start()
                await site.listen(listeners)
                await stop.wait()
            finally:
                await site.stop_listening()
                await self.engine.drain()
                self.commit.close()
                await committing
                await site.close()
                for task in running:
                    task.cancel()

    def _committed(self, log: LogId, epoch: str, entries: Sequence[Entry]) -> None:
        self.engine.committed(Batch(log, epoch, tuple(map(publication_of, entries))))


async def serve(database_url: str, arguments: argparse.Namespace, stop: asyncio.Event | None = None) -> None:
    stop = stop or stop_signal()
    database = Database(database_url)
    server = Server(database, instance=arguments.instance, redis_url=arguments.redis, insecure=arguments.insecure)
    try:
        await server.run(bind(("127.0.0.1", "::1"), arguments.port, bound_socket), stop)
    finally:
        await database.close()


def main(given: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="The gateway's engine with open channels, for suites of SDKs.")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--redis", help="the relay between instances; without it this one is alone")
    parser.add_argument("--database", type=Path, help="a SQLite file that instances share; without it a new one")
    parser.add_argument("--instance", default="conformance-1")
    parser.add_argument("--insecure", action="store_true", help="let in clients without a token")
    arguments = parser.parse_args(given)
    logs.configure("conformance", "info")
    with tempfile.TemporaryDirectory() as folder, contextlib.suppress(KeyboardInterrupt):
        url = f"sqlite:///{arguments.database or Path(folder) / 'conformance.db'}"
        migrate.upgrade(url)
        asyncio.run(serve(url, arguments))


if __name__ == "__main__":
    main()
