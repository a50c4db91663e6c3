"""The composition root of the gateway: the only place that builds adapters, has a clock and draws identifiers."""

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import aiohttp
import structlog
import uuid_utils
from aiohttp import web

from chat_gateway.api.channels import ChatChannels
from chat_gateway.api.routes import make_application
from chat_gateway.bus.redis_bus import RedisBus
from chat_gateway.changes import ChangesFeed
from chat_gateway.core.chat import Chat
from chat_gateway.core.entries import Entry
from chat_gateway.core.ids import EntryId, LogId
from chat_gateway.keyring import Keyring, jwks_over_http
from chat_gateway.publications import batch_of
from chat_gateway.realtime.engine import Engine
from chat_gateway.realtime.limits import Limits
from chat_gateway.realtime.publication import Batch
from chat_gateway.settings import ChatSettings
from chat_gateway.store.append_postgres import PostgresAppender
from chat_gateway.store.append_sqlite import SqliteAppender
from chat_gateway.store.appender import Appender
from chat_gateway.store.database import Database
from chat_gateway.store.group_commit import GroupCommit
from chat_gateway.store.people import People
from chat_gateway.store.room_log import RoomLog
from chat_gateway.store.rooms import Rooms
from chat_gateway.store.snapshots import Snapshots
from chat_gateway.transports import websocket
from chat_gateway.transports.listener import bound_socket
from shared.errors import AppError
from shared.health import Health, ops_application
from shared.tokens import AUDIENCE
from shared.web import Site, bind, stop_signal

VERSION = "parley 0.1.0"

_AUTH_SECONDS = 5.0
_READY_POLL_SECONDS = 0.1
_STARTING = "starting"

_log = structlog.get_logger(__name__)


def new_id() -> EntryId:
    return EntryId(str(uuid_utils.uuid7()))


class Gateway:
    """One gateway, wired. `parts` are its tasks; what they share is closed by whoever opened it."""

    def __init__(self, settings: ChatSettings, database: Database, http: aiohttp.ClientSession) -> None:
        people = People(database)
        log = RoomLog(database)
        self.keyring = Keyring(
            jwks_over_http(http, f"{settings.auth_url}/.well-known/jwks.json"),
            issuer=settings.public_url,
            audience=AUDIENCE,
            on_key_dropped=self._key_dropped,
        )
        self.appender = _appender(database)
        self.commit = GroupCommit(self.appender, self._committed)
        chat = Chat(log=self.commit, rooms=Rooms(database), history=log, people=people, new_id=new_id)
        self.engine = Engine(
            application=ChatChannels(chat, Snapshots(database), self.keyring.user_of),
            log=log,
            instance=settings.instance,
            version=VERSION,
            now=time.time,
            monotonic=time.monotonic,
            after_stall=self._after_stall,
            limits=Limits(ping_seconds=settings.ping_seconds, spread_seconds=settings.drain_seconds),
        )
        self.bus = RedisBus(settings.redis_url, receiver=self, instance=settings.instance)
        self.engine.carried_by(self.bus)
        self.changes = ChangesFeed(
            settings.auth_url,
            settings.internal_key.get_secret_value(),
            http,
            people=people,
            on_session_revoked=self._session_revoked,
            on_keys_changed=lambda _version: self.keyring.refetch(),
        )

    def received(self, batch: Batch) -> None:
        self.engine.hub.received(batch)

    def confirmed(self, channels: Sequence[str]) -> None:
        self.engine.hub.confirmed(channels)

    def rung(self) -> None:
        self.changes.ring()

    def _committed(self, log: LogId, epoch: str, entries: Sequence[Entry]) -> None:
        self.engine.committed(batch_of(log, epoch, entries))

    async def _after_stall(self) -> None:
        """Throw away what came before the stall, and hear of revocations before anything is delivered again."""
        self.bus.discard()
        await self.changes.look_soon()

    def _session_revoked(self, session: str) -> None:
        self.keyring.forget_session(session)
        self.engine.end_session(session)

    def _key_dropped(self, key_id: str) -> None:
        self.engine.end_key(key_id)


async def serve(settings: ChatSettings, stop: asyncio.Event | None = None) -> None:
    """Run one gateway until SIGTERM, SIGINT or the event. Raises StartError."""
    stop = stop or stop_signal()
    health = Health()
    health.block(_STARTING, "the public port is not open yet")
    ops = Site(ops_application(health), shutdown_seconds=1.0)
    async with _resources(settings) as (database, http):
        gateway = Gateway(settings, database, http)
        health.add("database", lambda: _database_problem(database))
        health.add("keys", lambda: _no("the public keys of auth are not there yet", gateway.keyring.ready))
        health.add("changes", lambda: _no("the changes of auth are not read yet", gateway.changes.caught_up))
        try:
            await ops.start()
            await ops.listen(bind(settings.listen_hosts, settings.ops_port))
            public = bind(settings.listen_hosts, settings.port, bound_socket)
            await _run(gateway, settings, health, public, stop)
        finally:
            await ops.close()


async def _run(
    gateway: Gateway, settings: ChatSettings, health: Health, public: Sequence[socket.socket], stop: asyncio.Event
) -> None:
    """Start in order, serve while ready, and stop in order; the order of the last lines is the order of the design."""
    origins = frozenset({settings.public_origin})

    async def connect(request: web.Request) -> web.StreamResponse:
        return websocket.upgrade(request, origins=origins, accept=gateway.engine.accept)

    site = Site(make_application(trusted=settings.trusted_proxies, connect=connect))
    parts = (gateway.engine, gateway.bus, gateway.keyring, gateway.changes)
    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(part.run()) for part in parts]
        committing = tasks.create_task(gateway.commit.run())
        try:
            await _until_ready(health, stop)
            if not stop.is_set():
                await site.start()
                await site.listen(public)
                health.clear(_STARTING)
                _log.info("serving", port=settings.port, instance=settings.instance)
                await stop.wait()
        finally:
            health.block("stopping", "the gateway is stopping")
            await site.stop_listening()
            await gateway.engine.drain()
            gateway.commit.close()
            await committing
            await gateway.appender.close()
            await site.close()
            for bound in public:
                bound.close()
            for task in running:
                task.cancel()


async def _until_ready(health: Health, stop: asyncio.Event) -> None:
    """Wait for everything that is needed: the public port is not opened before."""
    while not stop.is_set():
        await health.refresh()
        if not health.reasons.keys() - {_STARTING}:
            return
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), _READY_POLL_SECONDS)


@asynccontextmanager
async def _resources(settings: ChatSettings) -> AsyncIterator[tuple[Database, aiohttp.ClientSession]]:
    database = Database(settings.database_url)
    try:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_AUTH_SECONDS)) as http:
            yield database, http
    finally:
        await database.close()


async def _database_problem(database: Database) -> str | None:
    try:
        await database.check()
    except (AppError, RuntimeError) as error:
        return str(error)
    return None


async def _no(reason: str, is_there: bool) -> str | None:  # noqa: FBT001 - reads as a sentence where it is used
    return None if is_there else reason


def _appender(database: Database) -> Appender:
    return SqliteAppender(database.writer) if database.writer else PostgresAppender(database.url)
