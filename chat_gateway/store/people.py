"""People, as the auth service's changes feed brings them, with the cursor of that feed."""

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Row, and_, exists, select
from typing_extensions import override

from chat_gateway.core import ports
from chat_gateway.core.ids import UserId
from chat_gateway.core.people import Person, name_words
from chat_gateway.store.database import Database, Statement
from chat_gateway.store.tables import cursor, person, person_word

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
# The words follow the row that won: they are changed only while it is the one that was just written.
_FORGET_WORDS = (
    "DELETE FROM person_word WHERE person_id = :id"
    " AND EXISTS (SELECT 1 FROM person WHERE id = :id AND n = :n AND name = :name)"
)
_LEARN_WORD = (
    "INSERT INTO person_word (word, person_id) SELECT :word, :id"
    " WHERE EXISTS (SELECT 1 FROM person WHERE id = :id AND n = :n AND name = :name) ON CONFLICT DO NOTHING"
)
_BLOCK = "INSERT INTO block (user_id, blocked_id) VALUES (:user, :blocked) ON CONFLICT DO NOTHING"
_UNBLOCK = "DELETE FROM block WHERE user_id = :user AND blocked_id = :blocked"
_CURSOR = "people"
_LAST = "\U0010ffff"
"""Sorts behind whatever a word may go on with."""


class People(ports.People):
    def __init__(self, database: Database) -> None:
        self._database = database

    @override
    async def get(self, users: Collection[UserId]) -> list[Person]:
        query = select(person).where(self._database.among(person.c.id, users))
        async with self._database.statement() as connection:
            return [_person(row) for row in await connection.execute(query)]

    @override
    async def know(self, person: Person) -> None:
        if not await self.get([person.id]):
            await self._database.write((_KNOW, [_values(person)]), *_words([(0, person)]))

    @override
    async def search(self, words: Sequence[str], limit: int) -> list[Person]:
        first, *others = words
        begins = person_word.alias("begins")
        earlier = person_word.alias("earlier")
        query = (
            select(person)
            .select_from(begins.join(person, person.c.id == begins.c.person_id))
            .where(
                _begins(begins, first),
                person.c.disabled.is_(False),
                # A name with two such words is found once, by the first of them.
                ~exists().where(
                    earlier.c.person_id == begins.c.person_id,
                    earlier.c.word >= first,
                    earlier.c.word < begins.c.word,
                ),
                *(_has(begins, word) for word in others),
            )
            .order_by(begins.c.word, begins.c.person_id)
            .limit(limit)
        )
        async with self._database.statement() as connection:
            return [_person(row) for row in await connection.execute(query)]

    @override
    async def block(self, user: UserId, blocked: UserId) -> None:
        await self._database.write((_BLOCK, [{"user": user, "blocked": blocked}]))

    @override
    async def unblock(self, user: UserId, blocked: UserId) -> None:
        await self._database.write((_UNBLOCK, [{"user": user, "blocked": blocked}]))

    async def cursor(self) -> int:
        """Answer how far the feed has been applied; 0 at first."""
        async with self._database.statement() as connection:
            found = await connection.execute(select(cursor.c.n).where(cursor.c.name == _CURSOR))
            return found.scalar_one_or_none() or 0

    async def apply_feed(self, people: Sequence[tuple[int, Person]], cursor: int) -> None:
        """Take what a page of the feed says, and its end, in one transaction; nothing older replaces anything newer."""
        rows = [{**_values(person), "n": n} for n, person in sorted(people, key=lambda pair: pair[1].id)]
        changes: list[Statement] = [(_APPLY, rows)] if rows else []
        await self._database.write(*changes, *_words(people), (_MOVE, [{"name": _CURSOR, "n": cursor}]))


def _has(found: FromClause, word: str) -> ColumnElement[bool]:
    own = person_word.alias()
    return exists().where(own.c.person_id == found.c.person_id, _begins(own, word))


def _begins(words: FromClause, prefix: str) -> ColumnElement[bool]:
    return and_(words.c.word >= prefix, words.c.word < prefix + _LAST)


def _words(people: Sequence[tuple[int, Person]]) -> list[Statement]:
    """Make the statements that keep the words of these people, after their rows."""
    ordered = sorted(people, key=lambda pair: pair[1].id)
    forgotten: list[dict[str, Any]] = [{"id": person.id, "n": n, "name": person.name} for n, person in ordered]
    learnt = [{**row, "word": word} for row in forgotten for word in name_words(row["name"])]
    return [(sql, rows) for sql, rows in ((_FORGET_WORDS, forgotten), (_LEARN_WORD, learnt)) if rows]


def _person(row: Row[Any]) -> Person:
    return Person(id=UserId(row.id), name=row.name, picture=row.picture, disabled=row.disabled)


def _values(person: Person) -> dict[str, str | bool]:
    return {"id": person.id, "name": person.name, "picture": person.picture, "disabled": person.disabled}
