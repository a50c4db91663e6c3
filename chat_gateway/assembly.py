"""The chat over a database, as a gateway and a command of an administrator put it together alike."""

import time
from collections.abc import Callable

import uuid_utils

from chat_gateway.core.chat import Chat, unpaced
from chat_gateway.core.ids import EntryId, UserId
from chat_gateway.core.limits import DEFAULTS, ChatLimits
from chat_gateway.core.ports import Log, Typists
from chat_gateway.presence.activity import Activity
from chat_gateway.store.append_postgres import PostgresAppender
from chat_gateway.store.append_sqlite import SqliteAppender
from chat_gateway.store.appender import Appender
from chat_gateway.store.database import Database
from chat_gateway.store.memberships import Memberships
from chat_gateway.store.people import People
from chat_gateway.store.room_log import RoomLog
from chat_gateway.store.rooms import Rooms
from chat_gateway.store.search import Search


def new_id() -> EntryId:
    return EntryId(str(uuid_utils.uuid7()))


def chat_of(
    database: Database,
    log: Log,
    *,
    typists: Typists | None = None,
    search_inside: bool = True,
    limits: ChatLimits = DEFAULTS,
    check_new_direct: Callable[[UserId], None] = unpaced,
) -> Chat:
    """Make the chat. Without `typists`, of a process that nobody is connected to, typing is shown to nobody."""
    memberships = Memberships(database)
    return Chat(
        log=log,
        rooms=Rooms(database),
        history=RoomLog(database),
        people=People(database),
        search=Search(database, inside=search_inside),
        memberships=memberships,
        typists=typists or Activity(memberships, monotonic=time.monotonic),
        new_id=new_id,
        limits=limits,
        check_new_direct=check_new_direct,
    )


def appender_of(database: Database) -> Appender:
    return SqliteAppender(database.writer) if database.writer else PostgresAppender(database.url)
