"""What a connection may read and what it missed, all of one database snapshot.

Recovery is complete or says it is not: a channel's missed entries are all here, or it is `recovered: false`. What fits
is decided by counts before anything is read, then by size; the most recently active rooms come first.
"""

import json
from collections.abc import Iterable, Mapping, Sequence

import msgspec
from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection

from chat_gateway.core.ids import UserId, room_log, user_log
from chat_gateway.core.rooms import Room
from chat_gateway.publications import publication_of
from chat_gateway.realtime.ports import Recovered
from chat_gateway.realtime.publication import Position, Publication
from chat_gateway.realtime.tails import Tails
from chat_gateway.store.database import Database
from chat_gateway.store.room_log import entry_of, head_of
from chat_gateway.store.seen_rooms import rooms_of_member

Missed = Mapping[str, tuple[Publication, ...]]


class RoomSnapshot(msgspec.Struct, frozen=True, kw_only=True):
    rooms: tuple[Room, ...]
    epoch: str
    channels: dict[str, Recovered]


class Snapshots:
    """What a tail has is not read: the tail is asked with the head of this snapshot, which also says who may read."""

    def __init__(self, database: Database, tails: Tails | None = None) -> None:
        self._database = database
        self._tails = tails

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
        own = user_log(user)
        async with self._database.snapshot() as connection:
            rooms = await rooms_of_member(connection, user)
            row = (await connection.execute(head_of(own))).one()
            readable = [(own, row.head or 0), *((room_log(room.id), room.head) for room in rooms)]
            heads: dict[str, Position] = {
                channel: Position(head, row.epoch) for channel, head in readable if whole or channel in since
            }
            behind = _behind(heads, since)
            counts = {channel: heads[channel].offset - offset for channel, offset in behind.items()}
            chosen = {channel: behind[channel] for channel in _fitting(counts, max_entries)}
            missed = await self._missed(connection, heads, chosen, max_bytes)
        channels = {
            channel: _recovered(head, behind.get(channel), missed.get(channel)) for channel, head in heads.items()
        }
        return RoomSnapshot(rooms=tuple(rooms), epoch=row.epoch, channels=channels)

    async def _missed(
        self, connection: AsyncConnection, heads: Mapping[str, Position], after: dict[str, int], max_bytes: int | None
    ) -> Missed:
        """Find the missed entries of these channels; of those whose size fits, if there is a limit."""
        found = self._remembered(heads, after)
        unread = {channel: offset for channel, offset in after.items() if channel not in found}
        if max_bytes is not None and unread:
            # Characters bound the bytes from below: nothing that fits is left out, and little is read in vain.
            rows = await connection.execute(self._query(_SIZES), self._given(unread))
            sizes = {row.log_id: row.size for row in rows} | {c: _bytes(found[c]) for c in found}
            unread = {c: unread[c] for c in _fitting({c: sizes[c] for c in after}, max_bytes) if c in unread}
        if unread:
            found |= await self._read(connection, heads, unread)
        if max_bytes is None:
            return found
        fitting = _fitting({c: _bytes(found[c]) for c in after if c in found}, max_bytes)
        return {channel: found[channel] for channel in fitting}

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


def _behind(heads: Mapping[str, Position], since: Mapping[str, Position | None]) -> dict[str, int]:
    """Tell for which channels recovery is possible, and after which offset. The empty epoch stands for any."""
    return {
        channel: position.offset
        for channel, head in heads.items()
        if (position := since.get(channel)) is not None
        and position.epoch in ("", head.epoch)
        and 0 <= position.offset <= head.offset
    }


def _fitting(sizes: Mapping[str, int], most: int) -> Sequence[str]:
    """Take channels in their order; one that does not fit is left out, and smaller ones after it may still fit."""
    chosen = []
    for channel, size in sizes.items():
        if 0 < size <= most:
            most -= size
            chosen.append(channel)
    return chosen


def _bytes(publications: Iterable[Publication]) -> int:
    return sum(len(publication.data) for publication in publications)


def _recovered(head: Position, after: int | None, missed: tuple[Publication, ...] | None) -> Recovered:
    if after == head.offset:
        return Recovered(head=head, recovered=True)
    return Recovered(head=head, recovered=missed is not None, publications=missed or ())
