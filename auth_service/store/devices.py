"""Rows of devices: all SQL of the noun. Only hashes of their secrets are here."""

from datetime import timedelta

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from auth_service.core.callers import DeviceHash
from auth_service.core.users import UserId
from auth_service.store import tables
from auth_service.store.clock import ago, database_now

LIFE = timedelta(days=365)
MOST = 50
"""Of a user: each is a bucket of its own for guesses, so whoever had the password once must not have any number."""

_device = tables.device


class StoredDevices:
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add(self, device: DeviceHash, user: UserId) -> None:
        is_it = (_device.c.hash == device) & (_device.c.user_id == user)
        seen = await self._connection.execute(update(_device).where(is_it).values(seen_at=database_now()))
        if seen.rowcount == 0:
            of_user, is_old = _device.c.user_id == user, _device.c.seen_at < ago(LIFE)
            beyond = select(_device.c.hash).where(of_user).order_by(_device.c.seen_at.desc()).offset(MOST - 1)
            await self._connection.execute(delete(_device).where(of_user, is_old | _device.c.hash.in_(beyond)))
            await self._connection.execute(insert(_device).values(hash=device, user_id=user, seen_at=database_now()))

    async def suits(self, device: DeviceHash, user: UserId) -> bool:
        query = select(_device.c.user_id).where(_device.c.hash == device)
        users = (await self._connection.execute(query)).scalars().all()
        return not users or user in users

    async def forget(self, user: UserId, *, but: DeviceHash | None = None) -> None:
        is_it = _device.c.user_id == user
        if but is not None:
            is_it &= _device.c.hash != but
        await self._connection.execute(delete(_device).where(is_it))

    async def knows(self, device: DeviceHash, user: UserId) -> bool:
        is_fresh = (_device.c.hash == device) & (_device.c.user_id == user) & (_device.c.seen_at >= ago(LIFE))
        return (await self._connection.execute(select(_device.c.hash).where(is_fresh))).first() is not None

    async def count(self, user: UserId) -> int:
        is_fresh = (_device.c.user_id == user) & (_device.c.seen_at >= ago(LIFE))
        found: int = (await self._connection.execute(select(func.count()).where(is_fresh))).scalar_one()
        return found
