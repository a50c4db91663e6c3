"""Rows of one-time links: all SQL of the noun. Only hashes of tokens are ever here."""

from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from auth_service.core.links import LIFETIMES, Link, LinkHash, LinkKind
from auth_service.core.users import UserId
from auth_service.store import tables
from auth_service.store.clock import database_now
from auth_service.store.insertion import insert_or_skip

_link = tables.link


class StoredLinks:
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add(self, token: LinkHash, link: Link) -> datetime:
        now = (await self._connection.execute(select(database_now().label("now")))).scalar_one()
        await self._connection.execute(delete(_link).where(_link.c.expires_at < now))
        expires_at: datetime = now + LIFETIMES[link.kind]
        new = insert_or_skip(self._connection, _link).values(
            hash=token, kind=link.kind, user_id=link.user, email=link.email, role=link.role, expires_at=expires_at
        )
        while (await self._connection.execute(new)).rowcount == 0:
            # Only of set-up links may there be one and no other; whoever makes two at once leaves the later.
            await self._connection.execute(delete(_link).where(_link.c.kind == link.kind))
        return expires_at

    async def find(self, token: LinkHash, kind: LinkKind) -> Link | None:
        row = (await self._connection.execute(select(_link).where(*_usable(token, kind)))).mappings().first()
        return None if row is None else _link_of(row)

    async def take(self, token: LinkHash, kind: LinkKind) -> Link | None:
        taken = await self._connection.execute(delete(_link).where(*_usable(token, kind)).returning(*_link.c))
        row = taken.mappings().first()
        return None if row is None else _link_of(row)

    async def remove(self, kind: LinkKind, user: UserId | None) -> int:
        is_it = (_link.c.kind == kind) & (_link.c.user_id == user)
        return (await self._connection.execute(delete(_link).where(is_it))).rowcount


def _usable(token: LinkHash, kind: LinkKind) -> tuple[Any, ...]:
    return _link.c.hash == token, _link.c.kind == kind, _link.c.expires_at >= database_now()


def _link_of(row: RowMapping) -> Link:
    return Link(LinkKind(row["kind"]), row["role"], row["user_id"], row["email"])
