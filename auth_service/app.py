"""The composition root of auth: the only place that builds adapters, has a clock and draws randomness."""

import asyncio
import hashlib
import hmac
import random
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from functools import partial

import structlog
import uuid_utils
from aiohttp import web

from auth_service.actions import accounts, keys, pruning
from auth_service.api import openapi
from auth_service.api.access import Access
from auth_service.api.accounts import AccountHandlers
from auth_service.api.browser import Browser
from auth_service.api.changes import ChangesHandlers
from auth_service.api.jwks import JwksHandlers
from auth_service.api.links import LinkHandlers
from auth_service.api.openapi import DocumentHandlers
from auth_service.api.routes import add_routes
from auth_service.api.sessions import SessionHandlers
from auth_service.api.site import SiteHandlers
from auth_service.bus.doorbell import Doorbell
from auth_service.bus.throttle import RedisThrottle
from auth_service.core.auth import Auth
from auth_service.core.keys import UnreadableKey
from auth_service.core.ports import Randomness
from auth_service.core.throttle import BucketNames
from auth_service.crypto.common_passwords import common_passwords
from auth_service.crypto.keys import KeyRing
from auth_service.crypto.passwords import ArgonPasswords
from auth_service.crypto.wrapping import Vault
from auth_service.settings import AuthSettings
from auth_service.store.database import Database
from auth_service.store.migrate import schema_problem
from shared.errors import Unavailable
from shared.health import Health
from shared.version import VERSION
from shared.web import StartError, application

BODY_LIMIT_BYTES = 1 << 16
_KEYS_SECONDS = 60.0
_PRUNING_SECONDS = 3600.0


def system_randomness() -> Randomness:
    return Randomness(secrets.token_bytes, lambda: str(uuid_utils.uuid7()))


def auth_of(settings: AuthSettings, database: Database, passwords: ArgonPasswords, throttle: RedisThrottle) -> Auth:
    """What the actions work with, for the service and for commands."""
    return Auth(
        store=database,
        passwords=passwords,
        throttle=throttle,
        vault=Vault(settings.key_encryption_key_bytes),
        randomness=system_randomness(),
        refresh_keys=_refresh_keys(settings),
        registration=settings.registration,
        public_url=settings.public_url,
        audit_kept=settings.audit_kept,
    )


def throttle_of(settings: AuthSettings, clock: Callable[[], float] = time.monotonic) -> RedisThrottle:
    """Its buckets are the same in all instances that share their settings."""
    # Demo mode may run without the key: one of this process then.
    secret = settings.internal_key.get_secret_value().encode() or secrets.token_bytes(32)
    key = hmac.digest(secret, b"parley throttle", hashlib.sha256)
    names = BucketNames(key, settings.trusted_proxies)
    return RedisThrottle(settings.throttle_url or settings.redis_url, names, clock=clock)


def create_app(
    settings: AuthSettings,
    *,
    health: Health,
    passwords: ArgonPasswords | None = None,
    throttle: RedisThrottle | None = None,
    clock: Callable[[], float] = time.time,
) -> web.Application:
    """The public application; what it holds open lives as long as it runs."""
    hasher = passwords or ArgonPasswords()
    doorbell = Doorbell(settings.redis_url)
    database = Database(settings.database_url, on_change=doorbell.ring)
    throttle = throttle or throttle_of(settings)
    auth = auth_of(settings, database, hasher, throttle)
    ring = KeyRing(database, auth.vault)
    access = Access(ring, issuer=settings.public_url, clock=clock, new_id=auth.randomness.new_id)
    browser = Browser(public_origin=settings.public_origin, is_secure=settings.is_secure, port=settings.public_port)
    app = application(body_limit_bytes=BODY_LIMIT_BYTES, trusted=settings.trusted_proxies)
    add_routes(
        app,
        accounts=AccountHandlers(auth, access, browser),
        sessions=SessionHandlers(auth, access, browser),
        links=LinkHandlers(auth, access, browser),
        site=SiteHandlers(auth),
        jwks=JwksHandlers(ring),
        changes=ChangesHandlers(database, settings.internal_key.get_secret_value()),
        documents=DocumentHandlers(openapi.document(VERSION, refresh_cookie=browser.refresh_cookie)),
    )

    async def lifetime(_app: web.Application) -> AsyncIterator[None]:
        async with _open(database, hasher, doorbell, throttle):
            await _prepare(settings, database, auth, ring)
            health.add("database", database.check)
            async with (
                _repeating(_KEYS_SECONDS, "keys", partial(_look_after_keys, auth, ring)),
                _repeating(_PRUNING_SECONDS, "pruning", partial(pruning.prune, auth)),
            ):
                yield

    app.cleanup_ctx.append(lifetime)
    return app


@asynccontextmanager
async def _open(
    database: Database, passwords: ArgonPasswords, doorbell: Doorbell, throttle: RedisThrottle
) -> AsyncIterator[None]:
    """Owns what runs beside the requests, and closes it in the reverse order."""
    ringing = asyncio.create_task(doorbell.run())
    try:
        yield
    finally:
        ringing.cancel()
        with suppress(asyncio.CancelledError):
            await ringing
        await doorbell.close()
        await throttle.close()
        passwords.close()
        await database.close()


async def _prepare(settings: AuthSettings, database: Database, auth: Auth, ring: KeyRing) -> None:
    """What must be true before the first request. Raises StartError."""
    await check_database(database)
    if settings.parley_mode == "demo":
        await accounts.seed_demo(auth)
    elif await accounts.has_demo_users(auth):
        raise StartError(
            "This database has demo users, whose passwords everybody knows. Production does not start with them: "
            "use another AUTH_DATABASE_URL, or delete them (`user list`, `user delete`)."
        )
    try:
        await keys.ensure(auth)
    except UnreadableKey as error:
        raise StartError(str(error)) from error
    await ring.refresh()
    # 50 ms of work at the first password somebody chooses, in which nobody else would be answered.
    await asyncio.to_thread(common_passwords)


async def _look_after_keys(auth: Auth, ring: KeyRing) -> None:
    await keys.tick(auth)
    await ring.refresh()


@asynccontextmanager
async def _repeating(seconds: float, name: str, work: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
    """Does the work again and again beside the requests; what fails once is tried again the next time."""

    async def repeat() -> None:
        while True:
            # Not on the beat: instances that started together would all come at once, each time.
            await asyncio.sleep(seconds * (0.5 + random.random()))  # noqa: S311 -- no secret
            try:
                await work()
            except Exception as error:  # noqa: BLE001 -- the boundary of work that nobody waits for
                structlog.get_logger(__name__).warning("repeating.failed", work=name, error=type(error).__name__)

    task = asyncio.create_task(repeat())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def check_database(database: Database) -> None:
    """That this release works on what it finds. Raises StartError."""
    try:
        problem = schema_problem(await database.revision(), is_unfinished_copy=await database.is_unfinished_copy())
    except Unavailable as error:
        raise StartError("The database of auth does not answer. Check AUTH_DATABASE_URL, and that it runs.") from error
    if problem is not None:
        raise StartError(problem)


def _refresh_keys(settings: AuthSettings) -> Mapping[str, bytes]:
    """Demo mode may run without a key in the settings; one of this process then costs a tab its grace at a restart."""
    return settings.refresh_key_bytes or {"process": secrets.token_bytes(32)}
