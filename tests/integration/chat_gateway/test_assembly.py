"""The chat as it is put together: over either database, with the limits that are set."""

from chat_gateway.assembly import appender_of, chat_of, new_id
from chat_gateway.core.ids import UserId
from chat_gateway.core.limits import DEFAULTS, ChatLimits
from chat_gateway.store.append_postgres import PostgresAppender
from chat_gateway.store.append_sqlite import SqliteAppender
from chat_gateway.store.database import Database
from chat_gateway.store.group_commit import GroupCommit


async def test_changes_are_written_by_the_appender_of_the_database(url: str) -> None:
    database = Database(url)
    appender = appender_of(database)
    assert type(appender) is (PostgresAppender if database.is_postgres else SqliteAppender)
    await appender.close()
    await database.close()


async def test_a_chat_has_the_limits_it_is_given_or_those_of_the_design(url: str) -> None:
    database = Database(url)
    appender = appender_of(database)
    log, few = GroupCommit(appender, lambda _log, _epoch, _entries: None), ChatLimits(rooms_per_person=1)
    assert (chat_of(database, log).limits, chat_of(database, log, limits=few).limits) == (DEFAULTS, few)
    assert await chat_of(database, log).rooms.of_member(UserId("nobody")) == []
    await appender.close()
    await database.close()


def test_later_ids_sort_behind_earlier_ones() -> None:
    ids = [new_id() for _ in range(100)]
    assert (len(set(ids)), ids) == (100, sorted(ids))
