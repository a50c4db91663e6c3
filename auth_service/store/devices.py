"""Rows of devices: all SQL of the noun. Only hashes of their secrets are here."""

from datetime import timedelta

from sqlalchemy import bindparam, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from auth_service.core.callers import DeviceHash
from auth_service.core.users import UserId
from auth_service.store import tables
from auth_service.store.clock import ago, database_now

LIFE = timedelta(days=365)
MOST = 50
"""Of a user: each is a bucket of its own for guesses, so whoever had the password once must not have any number."""

_device = tables.device


# What every log-in asks, made once.
_is_of = _device.c.user_id == bindparam("whose")
_is_it = (_device.c.hash == bindparam("device")) & _is_of
_beyond = select(_device.c.hash).where(_is_of).order_by(_device.c.seen_at.desc()).offset(MOST - 1)
_USERS = select(_device.c.user_id).where(_device.c.hash == bindparam("device"))
_KNOWS = select(_device.c.hash).where(_is_it, _device.c.seen_at >= ago(LIFE))
_SEEN = update(_device).where(_is_it).values(seen_at=database_now())
_FORGET_BEYOND = delete(_device).where(_is_of, (_device.c.seen_at < ago(LIFE)) | _device.c.hash.in_(_beyond))
_ADD = insert(_device).values(seen_at=database_now())


class StoredDevices:
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add(self, device: DeviceHash, user: UserId) -> None:
        seen = await self._connection.execute(_SEEN, {"device": device, "whose": user})
        if seen.rowcount == 0:
            await self._connection.execute(_FORGET_BEYOND, {"whose": user})
            await self._connection.execute(_ADD, {"hash": device, "user_id": user})

    async def suits(self, device: DeviceHash, user: UserId) -> bool:
        users = (await self._connection.execute(_USERS, {"device": device})).scalars().all()
        return not users or user in users

    async def forget(self, user: UserId, *, but: DeviceHash | None = None) -> None:
        is_it = _device.c.user_id == user
        if but is not None:
            is_it &= _device.c.hash != but
        await self._connection.execute(delete(_device).where(is_it))

    async def knows(self, device: DeviceHash, user: UserId) -> bool:
        return (await self._connection.execute(_KNOWS, {"device": device, "whose": user})).first() is not None

    async def count(self, user: UserId) -> int:
        is_fresh = (_device.c.user_id == user) & (_device.c.seen_at >= ago(LIFE))
        found: int = (await self._connection.execute(select(func.count()).where(is_fresh))).scalar_one()
        return found
