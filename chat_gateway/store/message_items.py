"""What became of messages, and what they answer: read beside their entries, in the same snapshot.

Of a deleted message nothing is read but that it was deleted; a reply shows the beginning of what stands in the other
message now, and only if that is of the same room.
"""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from chat_gateway.core import messages
from chat_gateway.core.entries import Entry, Kind
from chat_gateway.core.history import MAX_EXCERPT, MAX_REACTING, Excerpt, Item, MessageState, Reaction, ThreadState
from chat_gateway.core.ids import EntryId, UserId, room_of

Key: TypeAlias = tuple[str, Any]
"""The room, and the offset or id of a message in it."""

# LATERAL and CROSS JOIN fix the order of the join: a probe of the index per message, whatever the planner thinks.
_POSTGRES = (
    "SELECT {columns} FROM unnest(CAST(:rooms AS text[]), CAST(:keys AS {type}[])) AS given (room_id, key)"
    " CROSS JOIN LATERAL (SELECT * FROM {table} WHERE {condition} OFFSET 0) AS found {rest}"
)
_SQLITE = (
    "SELECT {columns} FROM (SELECT json_extract(value, '$[0]') AS room_id, json_extract(value, '$[1]') AS key"
    " FROM json_each(:given)) AS given CROSS JOIN {table} AS found ON {condition} {rest}"
)
_STATES = {
    "columns": "found.*",
    "type": "bigint",
    "table": "message",
    "condition": '{t}.room_id = given.room_id AND {t}."offset" = given.key',
    "rest": "",
}
_REACTIONS = {
    "columns": "found.room_id, found.message, found.emoji, found.user_id,"
    " count(*) OVER (PARTITION BY found.room_id, found.message, found.emoji) AS times,"
    " min(found.at) OVER (PARTITION BY found.room_id, found.message, found.emoji) AS first,"
    " row_number() OVER (PARTITION BY found.room_id, found.message, found.emoji ORDER BY found.at, found.user_id) AS n",
    "type": "bigint",
    "table": "reaction",
    "condition": "{t}.room_id = given.room_id AND {t}.message = given.key",
    "rest": "",
}
_FIRST_REACTIONS = "SELECT * FROM ({query}) AS ranked WHERE n <= {most} ORDER BY first, emoji, n"
_REPLIED = {
    "columns": 'given.room_id, found.id, found."offset", found.author, found.content, message.body, message.deleted',
    "type": "text",
    "table": "entry",
    "condition": "{t}.id = given.key AND {t}.kind = 1",
    "rest": 'LEFT JOIN message ON message.room_id = given.room_id AND message."offset" = found."offset"'
    # Compared after the probe of the id: with the log beside it a plan may walk the whole log.
    " WHERE found.log_id || '' = 'room:' || given.room_id",
}
_POSTED = {
    "columns": "found.*",
    "type": "bigint",
    "table": "entry",
    "condition": "{t}.log_id = 'room:' || given.room_id AND {t}.\"offset\" = given.key AND {t}.kind = 1",
    "rest": "JOIN member ON member.room_id = given.room_id AND member.user_id = :viewer AND member.status = 'joined'",
}


class MessageItems:
    """Reads on one connection, which is in a snapshot."""

    def __init__(self, connection: AsyncConnection, *, is_postgres: bool) -> None:
        self._connection = connection
        self._is_postgres = is_postgres

    async def of(self, entries: Sequence[Entry]) -> list[Item]:
        """Show each of the entries, in their order."""
        posted = [
            (entry, room) for entry in entries if entry.kind == Kind.MESSAGE_POSTED and (room := room_of(entry.log))
        ]
        keys = [(room, entry.offset) for entry, room in posted]
        states = await self._states(keys)
        answered = {
            (room, entry.offset): (room, replied)
            for entry, room in posted
            if (replied := messages.reply_to(entry.content)) is not None
        }
        excerpts = await self._excerpts(list(dict.fromkeys(answered.values())))
        items = []
        for entry in entries:
            key = (room_of(entry.log) or "", entry.offset)
            reply = excerpts.get(answered[key]) if key in answered else None
            items.append(Item(entry=entry, state=states.get(key), reply=reply))
        return items

    async def posted(self, viewer: UserId, keys: Sequence[Key]) -> list[Row[Any]]:
        """Read the entries of messages at these offsets, of rooms the viewer is in."""
        return await self._read(_POSTED, keys, viewer=viewer)

    async def _states(self, keys: Sequence[Key]) -> dict[Key, MessageState]:
        rows = {(row.room_id, row.offset): row for row in await self._read(_STATES, keys)}
        reactions = await self._reactions(keys)
        found = {key: _state(rows.get(key), reactions.get(key, [])) for key in {*rows, *reactions}}
        return {key: state for key, state in found.items() if state != MessageState()}

    async def _reactions(self, keys: Sequence[Key]) -> dict[Key, list[Reaction]]:
        found: defaultdict[Key, dict[str, Reaction]] = defaultdict(dict)
        for row in await self._read(_REACTIONS, keys, _FIRST_REACTIONS):
            of_message = found[row.room_id, row.message]
            of_message.setdefault(row.emoji, Reaction(row.emoji, [], row.times)).users.append(row.user_id)
        return {key: list(reactions.values()) for key, reactions in found.items()}

    async def _excerpts(self, keys: Sequence[Key]) -> dict[Key, Excerpt]:
        return {(row.room_id, row.id): _excerpt(row) for row in await self._read(_REPLIED, keys)}

    async def _read(
        self, parts: Mapping[str, str], keys: Sequence[Key], around: str = "{query}", **values: object
    ) -> list[Row[Any]]:
        if not keys:
            return []
        template, name = (_POSTGRES, parts["table"]) if self._is_postgres else (_SQLITE, "found")
        query = template.format(**{**parts, "condition": parts["condition"].format(t=name)})
        given: dict[str, object] = {"given": json.dumps(keys)}
        if self._is_postgres:
            given = {"rooms": [room for room, _ in keys], "keys": [key for _, key in keys]}
        statement = text(around.format(query=query, most=MAX_REACTING))
        return list((await self._connection.execute(statement, given | values)).all())


def _state(row: Row[Any] | None, reactions: list[Reaction]) -> MessageState:
    if row is None:
        return MessageState(reactions=reactions)
    thread = ThreadState(row.thread_posts, row.thread_at) if row.thread_posts else None
    return MessageState(
        body=row.body,
        edited_at=row.edited_at,
        deleted=bool(row.deleted),
        pinned_at=row.pinned_at,
        reactions=reactions,
        thread=thread,
    )


def _excerpt(row: Row[Any]) -> Excerpt:
    shown = Excerpt(id=EntryId(row.id), offset=row.offset, author=UserId(row.author), deleted=True)
    if row.deleted:
        return shown
    body = messages.body_of(row.content) if row.body is None else row.body
    return Excerpt(id=shown.id, offset=shown.offset, author=shown.author, body=body[:MAX_EXCERPT])
