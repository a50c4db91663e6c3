"""Rows of signing keys: all SQL of the noun. Instances agree on keys by these rows, never by files or clocks."""

from datetime import datetime

from sqlalchemy import delete, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from auth_service.core.keys import KeyRow
from auth_service.store import tables
from auth_service.store.changes import Note
from auth_service.store.clock import database_now

_key = tables.signing_key
_COLUMNS = (_key.c.id, _key.c.generation, _key.c.private_key, _key.c.wrapped_by, _key.c.signs_from)
_ALL = select(*_COLUMNS).order_by(_key.c.generation)
_ALL_NOW = _ALL.add_columns(database_now().label("now"))


class StoredKeys:
    def __init__(self, connection: AsyncConnection, notes: list[Note]) -> None:
        self._connection = connection
        self._notes = notes

    async def lock(self) -> None:
        # A writer of SQLite is alone from its beginning. Rows would not do: a row that is deleted locks nobody out.
        if self._connection.dialect.name == "postgresql":
            await self._connection.execute(text("LOCK TABLE signing_key IN SHARE ROW EXCLUSIVE MODE"))

    async def all(self) -> tuple[KeyRow, ...]:
        return tuple(KeyRow(*row) for row in await self._connection.execute(_ALL))

    async def all_now(self) -> tuple[tuple[KeyRow, ...], datetime | None]:
        rows = (await self._connection.execute(_ALL_NOW)).all()
        return tuple(KeyRow(*row[:-1]) for row in rows), rows[0][-1] if rows else None

    async def add(self, key: KeyRow) -> None:
        await self._connection.execute(
            insert(_key).values(
                id=key.id,
                generation=key.generation,
                private_key=key.private_key,
                wrapped_by=key.wrapped_by,
                created_at=database_now(),
                signs_from=key.signs_from,
            )
        )

    async def replace_wrapping(self, key: KeyRow) -> None:
        await self._connection.execute(
            update(_key).where(_key.c.id == key.id).values(private_key=key.private_key, wrapped_by=key.wrapped_by)
        )

    async def remove(self, key_id: str) -> None:
        await self._connection.execute(delete(_key).where(_key.c.id == key_id))

    async def note(self) -> None:
        self._notes.append(Note("keys", "signing"))
