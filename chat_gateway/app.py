"""The composition root of the gateway: it and assembly.py alone build adapters, have a clock and draw identifiers."""

import asyncio
import contextlib
import secrets
import socket
import time
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import aclosing, asynccontextmanager
from functools import partial

import aiohttp
import structlog
from aiohttp import web

from chat_gateway.api import openapi, rest
from chat_gateway.api.access import Access
from chat_gateway.api.channels import ChatChannels
from chat_gateway.api.pace import Pace
from chat_gateway.api.routes import make_application
from chat_gateway.assembly import appender_of, chat_of
from chat_gateway.bus.redis_bus import RedisBus
from chat_gateway.bus.redis_presence import RedisRolls
from chat_gateway.changes import ChangesFeed
from chat_gateway.core.entries import Entry
from chat_gateway.core.ids import LogId
from chat_gateway.core.people import Person
from chat_gateway.departures import Departures
from chat_gateway.indexer import Indexer
from chat_gateway.keyring import Keyring, jwks_over_http
from chat_gateway.presence.presence import UserPresence
from chat_gateway.publications import batch_of
from chat_gateway.realtime.engine import Engine
from chat_gateway.realtime.ports import User
from chat_gateway.realtime.publication import Batch
from chat_gateway.realtime.tails import Tails
from chat_gateway.settings import ChatSettings
from chat_gateway.store.api_keys import ApiKeys
from chat_gateway.store.database import Database
from chat_gateway.store.departures import Departures as StoredDepartures
from chat_gateway.store.election import election
from chat_gateway.store.group_commit import GroupCommit
from chat_gateway.store.memberships import Memberships
from chat_gateway.store.people import People
from chat_gateway.store.room_log import RoomLog
from chat_gateway.store.search_index import SearchIndex
from chat_gateway.store.snapshots import Snapshots
from chat_gateway.transports import http_stream, websocket
from chat_gateway.transports.emulation import Emulation
from chat_gateway.transports.listener import bound_socket
from shared.errors import AppError
from shared.health import Health, ops_application
from shared.tokens import AUDIENCE
from shared.version import VERSION
from shared.web import Site, bind, stop_signal

_AUTH_SECONDS = 5.0
_READY_POLL_SECONDS = 0.1
_STARTING = "starting"
_INDEXER = 0x7061726C01
"""The office of the indexer among PostgreSQL's advisory locks."""

_log = structlog.get_logger(__name__)


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
        self.appender = appender_of(database)
        self.commit = GroupCommit(self.appender, self._committed)
        times = settings.presence_times()
        self.rolls = RedisRolls(settings.redis_url, ttl_seconds=times.ttl)
        self.presence = UserPresence(
            Memberships(database), self.rolls, instance=secrets.token_hex(8), monotonic=time.monotonic, times=times
        )
        self.pace = Pace(settings.rates(), time.monotonic)
        self.chat = chat_of(
            database,
            self.commit,
            typists=self.presence.activity,
            search_inside=settings.search_inside,
            limits=settings.chat_limits(),
            check_new_direct=self.pace.check_new_direct,
        )
        self.departures = Departures(self.chat, StoredDepartures(database))
        self.indexer = Indexer(SearchIndex(database), election(database, "index", _INDEXER))
        self.access = Access(self.chat, verify=self._user_of, find_key=ApiKeys(database).find, monotonic=time.monotonic)
        tails = Tails(settings.tail_limits())
        snapshots, channel_limits = Snapshots(database, tails), settings.channel_limits()
        self.engine = Engine(
            application=ChatChannels(self.chat, snapshots, self.keyring.user_of, pace=self.pace, limits=channel_limits),
            log=log,
            instance=settings.instance,
            version=f"parley {VERSION}",
            now=time.time,
            monotonic=time.monotonic,
            presence=self.presence,
            tails=tails,
            after_stall=self._after_stall,
            limits=settings.limits(),
            outbox_limits=settings.outbox_limits(),
        )
        self.bus = RedisBus(settings.redis_url, receiver=self, instance=settings.instance)
        self.engine.carried_by(self.bus)
        self.engine.hub.observed_by(self.presence.passed)
        self.presence.carried_by(self.bus, self.engine.hub.announced)
        self.emulation = Emulation(settings.instance, self.bus.forward, limit_bytes=settings.frame_bytes)
        self.changes = ChangesFeed(
            settings.auth_url,
            settings.internal_key.get_secret_value(),
            http,
            people=people,
            on_sessions_revoked=self._sessions_revoked,
            on_keys_changed=lambda _version: self.keyring.refetch(),
            on_person=self._person_changed,
        )

    def received(self, batch: Batch) -> None:
        if batch.epoch:
            self.engine.hub.received(batch)
        else:  # of no log: all such things of the chat are presence's
            self.presence.received(batch)

    def confirmed(self, channels: Sequence[str]) -> None:
        self.engine.hub.confirmed(channels)
        self.presence.confirmed(channels)

    def rung(self) -> None:
        self.changes.ring()

    def forwarded(self, message: bytes) -> None:
        self.emulation.forwarded(message)

    def _committed(self, log: LogId, epoch: str, entries: Sequence[Entry]) -> None:
        self.engine.committed(batch_of(log, epoch, entries))
        self.indexer.committed()
        self.presence.activity.committed(entries)

    def _person_changed(self, person: Person) -> None:
        self.presence.renamed(person)
        self.departures.heard(person)

    async def _after_stall(self) -> None:
        """Throw away what came before the stall, and hear of revocations before anything is delivered again."""
        self.bus.discard()
        await self.changes.look_soon()

    async def _user_of(self, token: str) -> User:
        """Answer as the keyring does, after a stall not before it has heard what was revoked meanwhile."""
        await self.engine.repairer.rechecked()
        return await self.keyring.user_of(token)

    def _sessions_revoked(self, sessions: Collection[str]) -> None:
        for session in sessions:
            self.keyring.forget_session(session)
        self.engine.end_sessions(frozenset(sessions))

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
            open_one = partial(bound_socket, send_buffer_bytes=settings.kernel_buffer_bytes)
            public = bind(settings.listen_hosts, settings.port, open_one)
            await _run(gateway, settings, health, public, stop)
        finally:
            await ops.close()


async def _run(
    gateway: Gateway, settings: ChatSettings, health: Health, public: Sequence[socket.socket], stop: asyncio.Event
) -> None:
    """Start in order, serve while ready, and stop in order; the order of the last lines is the order of the design."""
    origins = frozenset({settings.public_origin})

    async def connect(request: web.Request) -> web.StreamResponse:
        gateway.engine.load.admit()
        return websocket.upgrade(
            request, origins=origins, accept=gateway.engine.accept, limit_bytes=settings.frame_bytes
        )

    public_app = make_application(
        trusted=settings.trusted_proxies,
        connect=connect,
        http_stream=http_stream.handler(
            origins=origins,
            links=gateway.emulation.links,
            accept=gateway.engine.accept,
            admit=gateway.engine.load.admit,
        ),
        emulation=gateway.emulation.handler(origins=origins),
    )
    rest.add_routes(
        public_app,
        chat=gateway.chat,
        access=gateway.access,
        pace=gateway.pace,
        document=openapi.document(VERSION, gateway.chat.limits),
        levels=settings.channel_limits().data_depth,
    )
    site = Site(public_app)
    parts = (gateway.engine, gateway.bus, gateway.presence, gateway.keyring, gateway.changes, gateway.departures)
    async with aclosing(gateway.rolls), asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(part.run()) for part in (*parts, gateway.indexer)]
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
            await gateway.presence.leave()
            gateway.commit.close()
            await committing
            await gateway.bus.flush()
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
            async with asyncio.timeout(_READY_POLL_SECONDS):
                await stop.wait()


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
