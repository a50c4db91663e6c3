"""How much there is in a chat database, fast on a big one: what would take long to count is estimated, and says so."""

from datetime import UTC, datetime, timedelta

import msgspec
from sqlalchemy import text

from chat_gateway.store.database import Database

_DAYS = 7
_COUNTED_BELOW = 1_000_000
"""Tables that PostgreSQL holds for larger than this are not counted row by row."""

_ROOMS = "SELECT kind, archived, count(*) AS number, sum(members) AS members FROM room GROUP BY kind, archived"
_USERS = "SELECT count(*) FROM person"
# Offsets have no gaps: the heads say how many entries there are.
_ENTRIES = "SELECT coalesce(sum(head), 0) FROM log"
# A message's id is a UUIDv7, so its index (of kind 1, spelt out) is in the order of time.
_MESSAGES = "SELECT count(*) FROM entry WHERE kind = 1 AND id >= :since AND id < :until"
_POSTGRES_SIZE = "SELECT pg_database_size(current_database())"
_SQLITE_SIZE = "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()"
_ESTIMATE = "SELECT CAST(reltuples AS bigint) FROM pg_class WHERE oid = to_regclass(:name)"


class Count(msgspec.Struct, frozen=True):
    number: int
    about: bool = False


class Stats(msgspec.Struct, frozen=True, kw_only=True):
    """Bots are users too. `messages` are those of the last seven days by UTC day, with threads; today's is the last."""

    users: Count
    rooms: dict[str, int]
    archived: int
    members: int
    entries: Count
    messages: dict[str, int]
    bytes: int
    migration: str
    epoch: str


class StatsReader:
    def __init__(self, database: Database, *, counted_below: int = _COUNTED_BELOW) -> None:
        self._database = database
        self._counted_below = counted_below

    async def read(self, *, now: int) -> Stats:
        """Read all as of `now` (Unix milliseconds). Each figure is of its own moment."""
        async with self._database.statement() as connection:
            rooms = (await connection.execute(text(_ROOMS))).all()
        return Stats(
            users=await self._count(_USERS, counted="person", estimated="person"),
            rooms={
                kind: sum(row.number for row in rooms if row.kind == kind) for kind in sorted({r.kind for r in rooms})
            },
            archived=sum(row.number for row in rooms if row.archived),
            members=int(sum(row.members for row in rooms)),
            entries=await self._count(_ENTRIES, counted="log", estimated="entry"),
            messages=await self._messages(now),
            bytes=int(await self._one(_POSTGRES_SIZE if self._database.is_postgres else _SQLITE_SIZE)),
            migration=str(await self._one("SELECT version_num FROM alembic_version")),
            epoch=str(await self._one("SELECT epoch FROM epoch")),
        )

    async def _count(self, sql: str, *, counted: str, estimated: str) -> Count:
        if self._database.is_postgres and await self._estimate(counted) >= self._counted_below:
            return Count(await self._estimate(estimated), about=True)
        return Count(int(await self._one(sql)))

    async def _estimate(self, table: str) -> int:
        """Tell what PostgreSQL believes since it last looked; -1 where it never did."""
        return int(await self._one(_ESTIMATE, name=table))

    async def _messages(self, now: int) -> dict[str, int]:
        today = datetime.fromtimestamp(now / 1000, UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        days = [today - timedelta(days=back) for back in reversed(range(_DAYS))]
        return {
            day.date().isoformat(): int(
                await self._one(_MESSAGES, since=_first_id(day), until=_first_id(day + timedelta(days=1)))
            )
            for day in days
        }

    async def _one(self, sql: str, **values: str) -> int | str:
        async with self._database.statement() as connection:
            answer: int | str = (await connection.execute(text(sql), values)).scalar_one()
        return answer


def _first_id(moment: datetime) -> str:
    """Give what every UUIDv7 from this moment on is not below."""
    digits = f"{int(moment.timestamp() * 1000):012x}"
    return f"{digits[:8]}-{digits[8:]}-"
