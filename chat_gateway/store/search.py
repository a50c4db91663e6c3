"""Finding messages: tokens lead to candidates, the text itself decides, and only the viewer's rooms are looked at.

One meaning on both databases: a word is found at the beginning of a word or, with `inside`, anywhere in one; a text
without spaces wherever it stands. One character of such a text has no token: the newest texts are looked through.
"""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, cast, func, literal, or_, select, text, tuple_
from sqlalchemy.dialects.postgresql import TSQUERY
from typing_extensions import override

from chat_gateway.core import ports
from chat_gateway.core.ids import RoomId, UserId
from chat_gateway.core.search import Query, Term
from chat_gateway.store.database import Database
from chat_gateway.store.tables import member, message, person, room, search

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
    async def find(self, viewer: UserId, query: Query, *, below: ports.Found | None, limit: int) -> list[ports.Found]:
        leads = [lead for term in query.terms if (lead := self._lead(term)) is not None]
        statement = _readable(viewer)
        if leads:
            statement = statement.where(*self._led_by(leads))
        elif query.terms:
            newest = _readable(viewer).with_only_columns(search.c.id).order_by(search.c.at.desc()).limit(_NEWEST)
            statement = statement.where(search.c.id.in_(newest))
        statement = statement.where(*self._conditions(viewer, query))
        if below is not None:
            statement = statement.where(tuple_(*_ORDER) < tuple_(*map(literal, (below.at, below.room, below.offset))))
        statement = statement.order_by(*(column.desc() for column in _ORDER)).limit(limit)
        async with self._database.statement() as connection:
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

    def _conditions(self, viewer: UserId, query: Query) -> Iterator[ColumnElement[bool]]:
        led_exactly = [term for term in query.terms if term.prefix and not (term.grams and self._inside)]
        verified = [term.text for term in query.terms if term not in led_exactly]
        for part in (*verified, *query.phrases):
            yield search.c.folded.contains(part, autoescape=True)
        if query.authors:
            yield or_(*(_is_by(viewer, name) for name in query.authors))
        if query.rooms:
            yield or_(*(_is_in(name) for name in query.rooms))
        if query.before is not None:
            yield search.c.at < query.before
        if query.after is not None:
            yield search.c.at >= query.after
        yield from (_HAS[what] for what in sorted(query.has))


def _readable(viewer: UserId) -> Select[Any]:
    joined = and_(member.c.room_id == search.c.room_id, member.c.user_id == viewer, member.c.status == "joined")
    return select(*_ORDER).select_from(search.join(member, joined))


def _is_by(viewer: UserId, name: str) -> ColumnElement[bool]:
    """By id, by name, or `me`."""
    if name == "me":
        return search.c.author == viewer
    named = select(person.c.id).where(func.lower(person.c.name) == name.lower())
    return or_(search.c.author == name, search.c.author.in_(named))


def _is_in(name: str) -> ColumnElement[bool]:
    named = select(room.c.id).where(func.lower(room.c.name) == name.lower())
    return or_(search.c.room_id == name, search.c.room_id.in_(named))


def _found(row: Row[Any]) -> ports.Found:
    return ports.Found(at=row.at, room=RoomId(row.room_id), offset=row.offset)
