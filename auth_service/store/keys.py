"""Rows of signing keys: all SQL of the noun. Instances agree on keys by these rows, never by files."""

from dataclasses import dataclass

from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from auth_service.store import tables
from auth_service.store.changes import Note
from auth_service.store.clock import database_now


@dataclass(frozen=True, slots=True)
class KeyRow:
    id: str
    generation: int
    private_key: bytes


class StoredKeys:
    def __init__(self, connection: AsyncConnection, notes: list[Note]) -> None:
        self._connection = connection
        self._notes = notes

    async def all(self) -> list[KeyRow]:
        """Every key, the oldest first."""
        key = tables.signing_key.c
        rows = await self._connection.execute(select(key.id, key.generation, key.private_key).order_by(key.generation))
        return [KeyRow(*row) for row in rows]

    async def add_first(self, key_id: str, private_key: bytes) -> bool:
        """Writes generation 1 if nobody has: of instances that start together one gets True."""
        try:
            async with self._connection.begin_nested():
                await self._connection.execute(
                    insert(tables.signing_key).values(
                        id=key_id, generation=1, private_key=private_key, created_at=database_now()
                    )
                )
        except IntegrityError:
            return False
        self._notes.append(Note("keys", "signing"))
        return True
