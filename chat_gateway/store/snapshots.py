"""What a connection may read and what it missed, all of one database snapshot, which many that connect may share.

Recovery is complete or says it is not: a channel's missed entries are all here, or it is `recovered: false`. What fits
is decided by counts before anything is read, then by size; the most recently active rooms come first.
"""

import json
from collections.abc import Mapping, Sequence

from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection

from chat_gateway.core.ids import UserId, user_log
from chat_gateway.publications import publication_of
from chat_gateway.realtime.publication import Position, Publication
from chat_gateway.realtime.tails import Tails
from chat_gateway.store.database import Database
from chat_gateway.store.recoveries import Missed, RoomSnapshot, Seen, Wish, fitting, size_of, within
from chat_gateway.store.room_log import entry_of
from chat_gateway.store.seen_rooms import rows_of_members
from chat_gateway.store.shared_read import SharedRead


class Snapshots:
    """What a tail has is not read: the tail is asked with the head of this snapshot, which also says who may read."""

    def __init__(self, database: Database, tails: Tails | None = None) -> None:
        self._database = database
        self._tails = tails
        self._shared = SharedRead(self._seen_by_all)

    async def take(
        self,
        user: UserId,
        since: Mapping[str, Position | None],
        *,
        whole: bool,
        max_entries: int,
        max_bytes: int | None,
    ) -> RoomSnapshot:
        """Read the user's rooms, the heads of their channels, and what they missed since.

        `whole`: the own user log and all joined rooms; otherwise those of `since` the user may read. Recovery is tried
        where `since` holds a position, and what it gives is at most `max_entries` and `max_bytes` in all.
        """
        wish = Wish(user, since, whole, max_entries, max_bytes)
        wanted = wish.of(await self._shared.of(user))
        found = self._remembered(wanted.heads, wanted.chosen)
        if found.keys() == wanted.chosen.keys():
            return wanted.with_missed(within(found, max_bytes))
        # Whatever else is read must be of the snapshot of the heads: one of its own, for it may be much.
        async with self._database.snapshot() as connection:
            wanted = wish.of((await self._seen(connection, [user]))[user])
            return wanted.with_missed(await self._missed(connection, wanted.heads, wanted.chosen, max_bytes))

    async def _seen_by_all(self, users: Sequence[UserId]) -> dict[UserId, Seen]:
        async with self._database.snapshot() as connection:
            return await self._seen(connection, users)

    async def _seen(self, connection: AsyncConnection, users: Sequence[UserId]) -> dict[UserId, Seen]:
        rows = await rows_of_members(connection, users)
        own = [user_log(user) for user in users]
        given = own if self._database.is_postgres else json.dumps(own)
        query = _POSTGRES_HEADS if self._database.is_postgres else _SQLITE_HEADS
        heads = (await connection.execute(query, {"logs": given})).all()
        by_log = {row.id: row.head for row in heads}
        return {user: Seen(rows[user], by_log.get(user_log(user), 0), heads[0].epoch) for user in users}

    async def _missed(
        self, connection: AsyncConnection, heads: Mapping[str, Position], after: dict[str, int], max_bytes: int | None
    ) -> Missed:
        """Find the missed entries of these channels; of those whose size fits, if there is a limit."""
        found = self._remembered(heads, after)
        unread = {channel: offset for channel, offset in after.items() if channel not in found}
        if max_bytes is not None and unread:
            # Characters bound the bytes from below: nothing that fits is left out, and little is read in vain.
            rows = await connection.execute(self._query(_SIZES), self._given(unread))
            sizes = {row.log_id: row.size for row in rows} | {c: size_of(found[c]) for c in found}
            unread = {c: unread[c] for c in fitting({c: sizes[c] for c in after}, max_bytes) if c in unread}
        if unread:
            found |= await self._read(connection, heads, unread)
        return within({channel: found[channel] for channel in after if channel in found}, max_bytes)

    def _remembered(
        self, heads: Mapping[str, Position], after: Mapping[str, int]
    ) -> dict[str, tuple[Publication, ...]]:
        tails = self._tails
        if tails is None:
            return {}
        asked = ((channel, tails.missed(channel, heads[channel], after=offset)) for channel, offset in after.items())
        return {channel: missed for channel, missed in asked if missed is not None}

    async def _read(
        self, connection: AsyncConnection, heads: Mapping[str, Position], after: Mapping[str, int]
    ) -> dict[str, tuple[Publication, ...]]:
        missed: dict[str, list[Publication]] = {channel: [] for channel in after}
        for row in await connection.execute(self._query(_ENTRIES), self._given(after)):
            missed[row.log_id].append(publication_of(entry_of(row)))
        for channel, publications in missed.items():
            if self._tails is not None:
                self._tails.keep(channel, heads[channel], publications)
        return {channel: tuple(publications) for channel, publications in missed.items()}

    def _query(self, template: str) -> TextClause:
        return text(template.format(source=_POSTGRES_SOURCE if self._database.is_postgres else _SQLITE_SOURCE))

    def _given(self, after: Mapping[str, int]) -> dict[str, object]:
        if self._database.is_postgres:
            return {"logs": list(after), "after": list(after.values())}
        return {"given": json.dumps(list(after.items()))}


# One row at least, for the epoch.
_POSTGRES_HEADS = text("SELECT epoch, id, head FROM epoch LEFT JOIN log ON id = ANY(CAST(:logs AS text[]))")
_SQLITE_HEADS = text("SELECT epoch, id, head FROM epoch LEFT JOIN log ON id IN (SELECT value FROM json_each(:logs))")

# LATERAL and CROSS JOIN fix the order of the join: a probe of the primary key per channel, whatever the planner thinks.
_POSTGRES_SOURCE = (
    "unnest(CAST(:logs AS text[]), CAST(:after AS bigint[])) AS given (log_id, after) CROSS JOIN LATERAL"
    ' (SELECT * FROM entry WHERE entry.log_id = given.log_id AND entry."offset" > given.after'
    ' ORDER BY entry."offset" OFFSET 0) AS e'
)
_SQLITE_SOURCE = (
    "json_each(:given) AS given CROSS JOIN entry AS e ON e.log_id = json_extract(given.value, '$[0]')"
    " AND e.\"offset\" > json_extract(given.value, '$[1]')"
)
_SIZES = "SELECT e.log_id, sum(length(e.content)) AS size FROM {source} GROUP BY e.log_id"
_ENTRIES = 'SELECT e.* FROM {source} ORDER BY e.log_id, e."offset"'
