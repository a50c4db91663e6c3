"""The composition root of auth: the only place that builds adapters, has a clock and draws randomness."""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress

import uuid_utils
from aiohttp import web

from auth_service.actions import accounts
from auth_service.api.access import Access
from auth_service.api.accounts import AccountHandlers
from auth_service.api.browser import Browser
from auth_service.api.changes import ChangesHandlers
from auth_service.api.jwks import JwksHandlers
from auth_service.api.routes import add_routes
from auth_service.api.sessions import SessionHandlers
from auth_service.bus.doorbell import Doorbell
from auth_service.core.ports import Randomness
from auth_service.crypto.keys import KeyRing, new_key
from auth_service.crypto.passwords import ArgonPasswords
from auth_service.settings import AuthSettings
from auth_service.store.database import Database
from shared.errors import Unavailable
from shared.health import Health
from shared.web import StartError, application

BODY_LIMIT_BYTES = 1 << 16


def system_randomness() -> Randomness:
    return Randomness(secrets.token_bytes, lambda: str(uuid_utils.uuid7()))


def create_app(
    settings: AuthSettings,
    *,
    health: Health,
    passwords: ArgonPasswords | None = None,
    clock: Callable[[], float] = time.time,
) -> web.Application:
    """The public application; what it holds open lives as long as it runs."""
    randomness = system_randomness()
    hasher = passwords or ArgonPasswords()
    doorbell = Doorbell(settings.redis_url)
    database = Database(settings.database_url, on_change=doorbell.ring)
    keys = KeyRing()
    access = Access(keys, issuer=settings.public_url, clock=clock, new_id=randomness.new_id)
    browser = Browser(public_origin=settings.public_origin, is_secure=settings.is_secure, port=settings.public_port)
    app = application(body_limit_bytes=BODY_LIMIT_BYTES, trusted=settings.trusted_proxies)
    add_routes(
        app,
        accounts=AccountHandlers(database, hasher, randomness, access, browser),
        sessions=SessionHandlers(database, hasher, randomness, _refresh_keys(settings), access, browser),
        jwks=JwksHandlers(keys),
        changes=ChangesHandlers(database, settings.internal_key.get_secret_value()),
    )

    async def lifetime(_app: web.Application) -> AsyncIterator[None]:
        async with _open(database, hasher, doorbell):
            await _prepare(settings, database, hasher, keys)
            health.add("database", database.check)
            yield

    app.cleanup_ctx.append(lifetime)
    return app


@asynccontextmanager
async def _open(database: Database, passwords: ArgonPasswords, doorbell: Doorbell) -> AsyncIterator[None]:
    """Owns what runs beside the requests, and closes it in the reverse order."""
    ringing = asyncio.create_task(doorbell.run())
    try:
        yield
    finally:
        ringing.cancel()
        with suppress(asyncio.CancelledError):
            await ringing
        passwords.close()
        await database.close()


async def _prepare(settings: AuthSettings, database: Database, passwords: ArgonPasswords, keys: KeyRing) -> None:
    """What must be true before the first request. Raises StartError."""
    await _check_database(database)
    if settings.parley_mode == "demo":
        await accounts.seed_demo(database, passwords, system_randomness())
    elif await accounts.has_demo_users(database):
        raise StartError(
            "This database has demo users, whose passwords everybody knows. Production does not start with them: "
            "use another AUTH_DATABASE_URL, or delete them."
        )
    async with database.transaction() as tx:
        first = new_key()
        if not await tx.keys.all():
            await tx.keys.add_first(first.id, first.private_key)
        keys.load((row.id, row.private_key) for row in await tx.keys.all())


async def _check_database(database: Database) -> None:
    try:
        is_migrated = await database.is_migrated()
    except Unavailable as error:
        raise StartError("The database of auth does not answer. Check AUTH_DATABASE_URL, and that it runs.") from error
    if not is_migrated:
        raise StartError("The database of auth has no tables yet. Run `python -m auth_service migrate` first.")


def _refresh_keys(settings: AuthSettings) -> Mapping[str, bytes]:
    """Demo mode may run without a key in the settings; one of this process then costs a tab its grace at a restart."""
    return settings.refresh_key_bytes or {"process": secrets.token_bytes(32)}
