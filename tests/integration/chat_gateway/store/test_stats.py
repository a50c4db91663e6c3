"""The figures of a chat are right where they are counted, and said to be estimates where they are not."""

import uuid
from datetime import UTC, datetime, timedelta

from chat_gateway.core.changes import Post
from chat_gateway.core.ids import ClientId, EntryId, RoomId, UserId
from chat_gateway.store.migrate import newest
from chat_gateway.store.stats import Count, StatsReader
from tests.integration.chat_gateway.store.gateway import LOBBY, Gateway, client_id, execute

NOW = datetime(2026, 3, 8, 15, 30, tzinfo=UTC)


def milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


async def post_at(gateway: Gateway, moment: datetime) -> None:
    digits = f"{milliseconds(moment):012x}"
    entry = f"{digits[:8]}-{digits[8:]}-7{str(uuid.uuid4())[15:]}"
    await gateway.log.append(
        Post(
            id=EntryId(entry),
            room=RoomId(LOBBY),
            author=UserId("ann"),
            client_id=ClientId(client_id()),
            content='{"body":"hello"}',
        )
    )


async def test_everything_is_counted(gateway: Gateway) -> None:
    await execute(gateway.url, "INSERT INTO person (id, name) VALUES ('ann', 'Ann'), ('bob', 'Bob')")
    await gateway.join("ann")
    await gateway.join("bob")
    den = await gateway.create("ann", "den", "private")
    await execute(gateway.url, f"UPDATE room SET archived = true WHERE id = '{den}'")
    stats = await StatsReader(gateway.database).read(now=milliseconds(NOW))
    assert stats.users == Count(2)
    assert stats.rooms == {"private": 1, "public": 1}
    assert (stats.archived, stats.members) == (1, 3)
    assert stats.entries == Count(3 + 3)
    assert stats.bytes > 100_000
    assert (stats.migration, len(stats.epoch)) == (newest(), 8)


async def test_messages_are_told_by_day_of_the_last_week(gateway: Gateway) -> None:
    await gateway.join("ann")
    today = NOW.replace(hour=0, minute=0)
    week = today - timedelta(days=6)
    moments = (week - timedelta(seconds=1), week, week, today - timedelta(seconds=1), today, NOW)
    for moment in moments:
        await post_at(gateway, moment)
    stats = await StatsReader(gateway.database).read(now=milliseconds(NOW))
    assert stats.messages == {
        "2026-03-02": 2,
        "2026-03-03": 0,
        "2026-03-04": 0,
        "2026-03-05": 0,
        "2026-03-06": 0,
        "2026-03-07": 1,
        "2026-03-08": 2,
    }


async def test_large_tables_of_postgresql_are_estimated(gateway: Gateway) -> None:
    await execute(gateway.url, "INSERT INTO person (id, name) VALUES ('ann', 'Ann'), ('bob', 'Bob')")
    await gateway.join("ann")
    for _ in range(3):
        await gateway.post("ann")
    await execute(gateway.url, "ANALYZE")
    stats = await StatsReader(gateway.database, counted_below=1).read(now=milliseconds(NOW))
    about = gateway.database.is_postgres
    assert (stats.users, stats.entries) == (Count(2, about=about), Count(5, about=about))


async def test_a_table_postgresql_never_looked_at_is_counted(gateway: Gateway) -> None:
    await gateway.join("ann")
    stats = await StatsReader(gateway.database, counted_below=0).read(now=milliseconds(NOW))
    assert stats.entries == Count(2)
