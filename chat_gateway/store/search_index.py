"""Writes the search index behind the logs: what is behind, what stands there, and the rows it becomes.

A text is cut into tokens outside of any lock, so it is written only if its entry still holds it under the lock of the
room's log: nothing that was deleted meanwhile comes back.
"""

import json
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import msgspec
from sqlalchemy import Row, bindparam, func, select

from chat_gateway.core.entries import Kind
from chat_gateway.core.ids import LogId, RoomId, room_log
from chat_gateway.core.search import index
from chat_gateway.store.database import Database, Statement
from chat_gateway.store.tables import entry, log, search_cursor
from shared.errors import InvalidInput

_BATCH = 200
_ROOMS = 100

_BEHIND = (
    select(log.c.id, func.coalesce(search_cursor.c.offset, 0).label("after"))
    .select_from(log.outerjoin(search_cursor, search_cursor.c.log_id == log.c.id))
    .where(log.c.id.startswith("room:", autoescape=True), log.c.head > func.coalesce(search_cursor.c.offset, 0))
    .limit(_ROOMS)
)
_ENTRIES = (
    select(entry)
    .where(entry.c.log_id == bindparam("log"), entry.c.offset > bindparam("after"))
    .order_by(entry.c.offset)
    .limit(_BATCH)
)
_POSTGRES = "SELECT index_room_v1(:room, :upto, CAST(:rows AS jsonb))"
_DROP = 'DELETE FROM search WHERE room_id = :room AND "offset" = :offset'
_ADD = (
    'INSERT INTO search (room_id, "offset", author, at, folded, tokens, grams, has_link)'
    " SELECT :room, :offset, :author, :at, :folded, :tokens, :grams, :has_link FROM entry"
    " WHERE log_id = 'room:' || :room AND \"offset\" = :entry AND content NOT LIKE '{\"deleted\":true%'"
    ' AND NOT EXISTS (SELECT 1 FROM message WHERE room_id = :room AND "offset" = :offset AND deleted)'
)
_ADVANCE = (
    "INSERT INTO search_cursor (log_id, \"offset\") VALUES ('room:' || :room, :upto)"
    ' ON CONFLICT (log_id) DO UPDATE SET "offset" = excluded."offset" WHERE excluded."offset" > search_cursor."offset"'
)


class _Body(msgspec.Struct):
    body: str = ""
    message: str = ""


class _Text(msgspec.Struct, frozen=True, kw_only=True):
    """`offset` is the message's, `entry` that of the entry the text stands in."""

    offset: int
    entry: int
    author: str
    at: int
    body: str


class SearchIndex:
    """For one writer at a time; a second one costs work and harms nothing."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def catch_up(self) -> bool:
        """Index a batch of every room that is behind, at most 100 rooms; answers whether there may be more."""
        async with self._database.statement() as connection:
            behind = [(LogId(row.id), row.after) for row in await connection.execute(_BEHIND)]
        more = len(behind) == _ROOMS
        for name, after in behind:
            more |= await self._index(name, after)
        return more

    async def _index(self, name: LogId, after: int) -> bool:
        async with self._database.snapshot() as connection:
            rows = (await connection.execute(_ENTRIES, {"log": name, "after": after})).all()
            edits = {row.offset: edit for row in rows if (edit := _edit(row)) is not None}
            edited = select(entry.c.id, entry.c.offset, entry.c.author, entry.c.at).where(
                entry.c.log_id == name,
                entry.c.kind == Kind.MESSAGE_POSTED,
                self._database.among(entry.c.id, [edit.message for edit in edits.values()]),
            )
            posts = {row.id: row for row in await connection.execute(edited)} if edits else {}
        if not rows:
            return False
        texts: dict[int, _Text] = {}
        for row in rows:
            edit = edits.get(row.offset)
            post = row if edit is None else posts.get(edit.message)
            body = edit.body if edit is not None else _body(row)
            if post is not None and body:
                texts[post.offset] = _Text(
                    offset=post.offset, entry=row.offset, author=post.author, at=post.at, body=body
                )
        await self._write(RoomId(name.removeprefix(room_log(RoomId("")))), rows[-1].offset, list(texts.values()))
        return len(rows) == _BATCH

    async def _write(self, room: RoomId, upto: int, texts: Sequence[_Text]) -> None:
        try:
            await self._database.write(*self._statements(room, upto, texts))
        except InvalidInput:
            # a text the index does not take must not keep all later ones from it
            for one in texts:
                with suppress(InvalidInput):
                    await self._database.write(*self._statements(room, one.entry, [one]))
            await self._database.write(*self._statements(room, upto, ()))

    def _statements(self, room: RoomId, upto: int, texts: Sequence[_Text]) -> list[Statement]:
        rows = list(map(_row, texts))
        if self._database.is_postgres:
            return [(_POSTGRES, [{"room": room, "upto": upto, "rows": json.dumps(rows)}])]
        values = [
            {**row, "room": room, "tokens": " ".join(row["tokens"]), "grams": " ".join(row["grams"])} for row in rows
        ]
        changes: list[Statement] = [(_DROP, values), (_ADD, values)] if values else []
        return [*changes, (_ADVANCE, [{"room": room, "upto": upto}])]


def _row(one: _Text) -> dict[str, Any]:
    made = index(one.body)
    return {
        "offset": one.offset,
        "entry": one.entry,
        "author": one.author,
        "at": one.at,
        "folded": made.folded,
        "tokens": made.tokens,
        "grams": made.grams,
        "has_link": made.has_link,
    }


def _edit(row: Row[Any]) -> _Body | None:
    return msgspec.json.decode(row.content, type=_Body) if row.kind == Kind.MESSAGE_EDITED else None


def _body(row: Row[Any]) -> str:
    return msgspec.json.decode(row.content, type=_Body).body if row.kind == Kind.MESSAGE_POSTED else ""
