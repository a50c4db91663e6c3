"""Finding messages: tokens lead to candidates, the text itself decides, and only the viewer's rooms are looked at.

One meaning on both databases: a word is found at the beginning of a word or, with `inside`, anywhere in one; a text
without spaces wherever it stands. One character of such a text has no token: the newest texts are looked through.
"""

from collections.abc import Collection, Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, cast, literal, select, text, tuple_
from sqlalchemy.dialects.postgresql import TSQUERY
from sqlalchemy.ext.asyncio import AsyncConnection
from typing_extensions import override

from chat_gateway.core import ports
from chat_gateway.core.ids import RoomId, UserId
from chat_gateway.core.people import name_words
from chat_gateway.core.search import Query, Term, fold
from chat_gateway.store.database import Database
from chat_gateway.store.tables import member, message, person, person_word, room, search

_NEWEST = 10_000
_ORDER = (search.c.at, search.c.room_id, search.c.offset)
_FTS = "SELECT rowid FROM search_fts WHERE search_fts MATCH :matches"


_HAS: dict[str, ColumnElement[bool]] = {
    "link": search.c.has_link,
    "pin": select(1)
    .where(message.c.room_id == search.c.room_id, message.c.offset == search.c.offset, message.c.pinned_at.is_not(None))
    .exists(),
}


class Search(ports.Search):
    """`inside` is a setting: whether parts within words are found."""

    def __init__(self, database: Database, *, inside: bool = True) -> None:
        self._database = database
        self._inside = inside

    @override
    async def find(
        self,
        viewer: UserId,
        query: Query,
        *,
        below: ports.Found | None,
        limit: int,
        within: Collection[RoomId] | None = None,
    ) -> list[ports.Found]:
        leads = [lead for term in query.terms if (lead := self._lead(term)) is not None]
        readable = _readable(viewer, within)
        statement = readable
        if leads:
            statement = statement.where(*self._led_by(leads))
        elif query.terms:
            newest = readable.with_only_columns(search.c.id).order_by(search.c.at.desc()).limit(_NEWEST)
            statement = statement.where(search.c.id.in_(newest))
        statement = statement.where(*self._conditions(query))
        if below is not None:
            statement = statement.where(tuple_(*_ORDER) < tuple_(*map(literal, (below.at, below.room, below.offset))))
        statement = statement.order_by(*(column.desc() for column in _ORDER)).limit(limit)
        async with self._database.statement() as connection:
            if query.authors:
                authors = await _people_named(connection, viewer, query.authors)
                statement = statement.where(search.c.author.in_(authors))
            if query.rooms:
                rooms = await _rooms_named(connection, viewer, query.rooms)
                statement = statement.where(search.c.room_id.in_(rooms))
            return [_found(row) for row in await connection.execute(statement)]

    def _lead(self, term: Term) -> tuple[str, str] | None:
        """Name the column and the expression in it that lead to a term's texts, in the database's own language."""
        if term.tokens:
            return "tokens", self._all(term.tokens)
        if term.grams and self._inside:
            return "grams", self._all(term.grams)
        return ("tokens", self._beginning(term.prefix)) if term.prefix else None

    def _all(self, tokens: tuple[str, ...]) -> str:
        return (" & " if self._database.is_postgres else " AND ").join(map(self._quoted, tokens))

    def _beginning(self, prefix: str) -> str:
        return self._quoted(prefix) + (":*" if self._database.is_postgres else " *")

    def _quoted(self, token: str) -> str:
        """Quote a token. It is made of letters, digits and marks, so it cannot hold a quote itself."""
        return f"'{token}'" if self._database.is_postgres else f'"{token}"'

    def _led_by(self, leads: list[tuple[str, str]]) -> Iterator[ColumnElement[bool]]:
        if self._database.is_postgres:
            for column, expression in leads:
                yield search.c[column].bool_op("@@")(cast(literal(expression), TSQUERY))
        else:
            matches = " AND ".join(f"{{{column}}} : ({expression})" for column, expression in leads)
            yield search.c.id.in_(text(_FTS).bindparams(matches=matches))

    def _conditions(self, query: Query) -> Iterator[ColumnElement[bool]]:
        led_exactly = [term for term in query.terms if term.prefix and not (term.grams and self._inside)]
        verified = [term.text for term in query.terms if term not in led_exactly]
        for part in (*verified, *query.phrases):
            yield search.c.folded.contains(part, autoescape=True)
        if query.before is not None:
            yield search.c.at < query.before
        if query.after is not None:
            yield search.c.at >= query.after
        yield from (_HAS[what] for what in sorted(query.has))


def _readable(viewer: UserId, within: Collection[RoomId] | None) -> Select[Any]:
    joined = and_(member.c.room_id == search.c.room_id, member.c.user_id == viewer, member.c.status == "joined")
    readable = select(*_ORDER).select_from(search.join(member, joined))
    return readable if within is None else readable.where(search.c.room_id.in_(sorted(within)))


async def _rooms_named(connection: AsyncConnection, viewer: UserId, names: Sequence[str]) -> set[str]:
    """Find the viewer's rooms by id or name. Names are folded here: the databases fold differently."""
    joined = and_(member.c.room_id == room.c.id, member.c.user_id == viewer, member.c.status == "joined")
    rows = await connection.execute(select(room.c.id, room.c.name).select_from(room.join(member, joined)))
    wanted = set(map(fold, names))
    return {row.id for row in rows if row.id in names or fold(row.name) in wanted}


async def _people_named(connection: AsyncConnection, viewer: UserId, names: Sequence[str]) -> set[str]:
    """Find people by id, by name, or as `me`."""
    found = {viewer if name == "me" else name for name in names}
    wanted = set(map(fold, names))
    words = [words[0] for name in names if (words := name_words(name))]
    own = and_(person_word.c.person_id == person.c.id, person_word.c.word.in_(words))
    rows = await connection.execute(select(person.c.id, person.c.name).select_from(person.join(person_word, own)))
    return found | {row.id for row in rows if fold(row.name) in wanted}


def _found(row: Row[Any]) -> ports.Found:
    return ports.Found(at=row.at, room=RoomId(row.room_id), offset=row.offset)
