"""People, as the auth service's changes feed brings them, with the cursor of that feed."""

from collections.abc import Collection, Sequence

from sqlalchemy import select
from typing_extensions import override

from chat_gateway.core import ports
from chat_gateway.core.ids import UserId
from chat_gateway.core.people import Person
from chat_gateway.store.database import Database, Statement
from chat_gateway.store.tables import cursor, person

_KNOW = (
    "INSERT INTO person (id, name, picture, disabled, n) VALUES (:id, :name, :picture, :disabled, 0)"
    " ON CONFLICT (id) DO NOTHING"
)
_APPLY = (
    "INSERT INTO person (id, name, picture, disabled, n) VALUES (:id, :name, :picture, :disabled, :n)"
    " ON CONFLICT (id) DO UPDATE SET name = excluded.name, picture = excluded.picture, disabled = excluded.disabled,"
    " n = excluded.n WHERE excluded.n > person.n"
)
_MOVE = (
    "INSERT INTO cursor (name, n) VALUES (:name, :n)"
    " ON CONFLICT (name) DO UPDATE SET n = excluded.n WHERE excluded.n > cursor.n"
)
_CURSOR = "people"


class People(ports.People):
    def __init__(self, database: Database) -> None:
        self._database = database

    @override
    async def get(self, users: Collection[UserId]) -> list[Person]:
        query = select(person).where(self._database.among(person.c.id, users))
        async with self._database.statement() as connection:
            rows = await connection.execute(query)
            return [
                Person(id=UserId(row.id), name=row.name, picture=row.picture, disabled=row.disabled) for row in rows
            ]

    @override
    async def know(self, person: Person) -> None:
        if not await self.get([person.id]):
            await self._database.write((_KNOW, [_values(person)]))

    async def cursor(self) -> int:
        """Answer how far the feed has been applied; 0 at first."""
        async with self._database.statement() as connection:
            found = await connection.execute(select(cursor.c.n).where(cursor.c.name == _CURSOR))
            return found.scalar_one_or_none() or 0

    async def apply_feed(self, people: Sequence[tuple[int, Person]], cursor: int) -> None:
        """Take what a page of the feed says, and its end, in one transaction; nothing older replaces anything newer."""
        rows = [{**_values(person), "n": n} for n, person in sorted(people, key=lambda pair: pair[1].id)]
        changes: list[Statement] = [(_APPLY, rows)] if rows else []
        await self._database.write(*changes, (_MOVE, [{"name": _CURSOR, "n": cursor}]))


def _values(person: Person) -> dict[str, str | bool]:
    return {"id": person.id, "name": person.name, "picture": person.picture, "disabled": person.disabled}
