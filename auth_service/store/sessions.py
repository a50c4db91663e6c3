"""Rows of sessions and their refresh tokens: all SQL of the noun. Only hashes of tokens are ever here.

Locks are taken in one order by all: the user, the session, its tokens. So nothing that happens to a session meets a
dead end, and what is done to its tokens is done one after another.
"""

from typing import Any

from sqlalchemy import ColumnElement, RowMapping, Select, Table, bindparam, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.dml import ReturningUpdate

from auth_service.core.callers import Caller, shown_user_agent
from auth_service.core.sessions import (
    GRACE,
    IDLE,
    Exchange,
    Exchanged,
    Line,
    Presented,
    Session,
    SessionId,
    TokenHash,
)
from auth_service.core.users import UserId
from auth_service.store import tables
from auth_service.store.changes import REVOCATION_LIFE, Note
from auth_service.store.clock import ago, database_now
from auth_service.store.lifetimes import is_over
from auth_service.store.users import user_columns, user_of

_token = tables.refresh_token
_session = tables.session


def _exchange_of(condition: ColumnElement[bool]) -> ReturningUpdate[Any]:
    return (
        update(_token)
        .where(_token.c.hash == bindparam("sought"), _token.c.killed_at.is_(None), condition)
        .values(
            exchanged_at=database_now(),
            salt=bindparam("new_salt"),
            key_id=bindparam("new_key"),
            successor=bindparam("new_token"),
        )
        .returning(_token.c.session_id)
    )


# What every refresh asks, made once: to make these anew took as long as to run them.
_following = _token.alias("following")
_FIND = (
    select(
        *user_columns(),
        _token,
        _session,
        (_following.c.exchanged_at.is_not(None)).label("is_successor_used"),
        database_now().label("now"),
    )
    .join_from(_token, _session)
    .join(tables.user)
    .outerjoin(_following, _following.c.hash == _token.c.successor)
    .where(_token.c.hash == bindparam("sought"))
)
_LINE = select(_token.c.hash, _token.c.salt, _token.c.key_id, _token.c.successor).where(
    _token.c.session_id == bindparam("sought"), _token.c.exchanged_at >= ago(GRACE)
)
_BEYOND = (
    select(_session.c.id)
    .where(_session.c.user_id == bindparam("whose"), ~is_over())
    .order_by(_session.c.last_used_at.desc(), _session.c.id.desc())
    .offset(bindparam("kept"))
)
_OPEN = insert(_session).values(started_at=database_now(), last_used_at=database_now())
_USE = (
    update(_session)
    .where(
        _session.c.id == select(_token.c.session_id).where(_token.c.hash == bindparam("sought")).scalar_subquery(),
        _session.c.ended_at.is_(None),
    )
    .values(last_used_at=database_now())
)
_ROTATE = _exchange_of(_token.c.exchanged_at.is_(None))
_REPLACE = _exchange_of(_token.c.salt == bindparam("old_salt"))


class StoredSessions:
    def __init__(self, connection: AsyncConnection, notes: list[Note]) -> None:
        self._connection = connection
        self._notes = notes

    async def open(self, session: SessionId, user: UserId, token: TokenHash, caller: Caller) -> None:
        begun = {"user_agent": shown_user_agent(caller.user_agent), "network": caller.network}
        await self._connection.execute(_OPEN, {"id": session, "user_id": user, **begun})
        await self._connection.execute(insert(_token), {"hash": token, "session_id": session})

    async def find(self, token: TokenHash) -> Presented | None:
        row = (await self._connection.execute(_FIND, {"sought": token})).mappings().first()
        return None if row is None else _presented(row)

    async def line(self, session: SessionId) -> Line:
        rows = await self._connection.execute(_LINE, {"sought": session})
        return {row.hash: Exchange(row.salt, row.key_id, row.successor) for row in rows}

    async def rotate(self, token: TokenHash, exchange: Exchange) -> bool:
        is_alive = await self._use_session(token)
        return is_alive and await self._exchange(_ROTATE, exchange, sought=token)

    async def replace(self, token: TokenHash, old_salt: bytes, exchange: Exchange) -> bool:
        if not await self._use_session(token):
            return False
        old = select(_token.c.successor).where(_token.c.hash == token, _token.c.salt == old_salt).scalar_subquery()
        killed = await self._connection.execute(
            update(_token)
            .where(_token.c.hash == old, _token.c.exchanged_at.is_(None), _token.c.killed_at.is_(None))
            .values(killed_at=database_now())
        )
        return killed.rowcount == 1 and await self._exchange(_REPLACE, exchange, sought=token, old_salt=old_salt)

    async def _exchange(self, change: ReturningUpdate[Any], exchange: Exchange, **sought: bytes) -> bool:
        made = {"new_salt": exchange.salt, "new_key": exchange.key_id, "new_token": exchange.successor}
        session = (await self._connection.execute(change, made | sought)).scalar_one_or_none()
        if session is None:
            return False
        await self._connection.execute(insert(_token), {"hash": exchange.successor, "session_id": session})
        return True

    async def _use_session(self, token: TokenHash) -> bool:
        """Locks it too: an end that is being written is waited for, and then seen here."""
        return (await self._connection.execute(_USE, {"sought": token})).rowcount == 1

    async def of_user(self, user: UserId) -> list[Session]:
        columns = (_session.c.id, _session.c.user_agent, _session.c.network, _session.c.started_at)
        query = (
            select(*columns, _session.c.last_used_at)
            .where(_session.c.user_id == user, ~is_over())
            .order_by(_session.c.last_used_at.desc(), _session.c.id.desc())
        )
        return [Session(*row) for row in await self._connection.execute(query)]

    async def end(self, session: SessionId, *, of: UserId | None = None) -> bool:
        condition = _session.c.id == session
        return bool(await self._end(condition if of is None else condition & (_session.c.user_id == of)))

    async def end_all(self, user: UserId, *, but: SessionId | None = None) -> list[SessionId]:
        condition = (_session.c.user_id == user) & _session.c.ended_at.is_(None)
        if but is not None:
            condition &= _session.c.id != but
        return await self._end_in_order(condition)

    async def end_beyond(self, user: UserId, kept: int) -> list[SessionId]:
        beyond = _BEYOND.params(whose=user, kept=kept)
        if (await self._connection.execute(beyond)).first() is None:
            return []  # nearly always
        return await self._end_in_order(_session.c.id.in_(beyond))

    async def prune_tokens(self, limit: int) -> int:
        of_dead = select(_token.c.hash).join_from(_token, _session).where(is_over(since=REVOCATION_LIFE))
        following = _token.alias("following")
        superseded = (
            select(_token.c.hash)
            .join_from(_token, following, following.c.hash == _token.c.successor)
            .where(_token.c.exchanged_at < ago(IDLE), following.c.exchanged_at.is_not(None))
        )
        deleted = await self._delete(_token, _token.c.hash, of_dead.limit(limit))
        return deleted or await self._delete(_token, _token.c.hash, superseded.limit(limit))

    async def prune(self, limit: int) -> int:
        over = select(_session.c.id).where(is_over(since=REVOCATION_LIFE)).limit(limit)
        return await self._delete(_session, _session.c.id, over)

    async def _delete(self, table: Table, key: ColumnElement[Any], chosen: Select[Any]) -> int:
        """Rows that are locked, by another instance that prunes or by a request, are left for the next time."""
        chosen = chosen.with_for_update(of=table, skip_locked=True)
        return (await self._connection.execute(delete(table).where(key.in_(chosen)))).rowcount

    async def _end_in_order(self, condition: ColumnElement[bool]) -> list[SessionId]:
        """The rows are named by the condition and not by their ids: PostgreSQL takes no more than 32,767 of those."""
        # In one order for all: two who end the same sessions at once never wait for each other.
        await self._connection.execute(select(_session.c.id).where(condition).order_by(_session.c.id).with_for_update())
        return await self._end(condition)

    async def _end(self, condition: ColumnElement[bool]) -> list[SessionId]:
        done = await self._connection.execute(
            update(_session)
            .where(condition, _session.c.ended_at.is_(None))
            .values(ended_at=database_now())
            .returning(_session.c.id, _session.c.user_id)
        )
        ended = sorted(done.all())
        self._notes.extend(Note("session", row.id, row.user_id) for row in ended)
        return [SessionId(row.id) for row in ended]


def _presented(row: RowMapping) -> Presented:
    exchanged = None
    if row["exchanged_at"] is not None:
        exchanged = Exchanged(row["salt"], row["key_id"], row["exchanged_at"], bool(row["is_successor_used"]))
    return Presented(
        hash=row["hash"],
        session=row["id"],
        user=user_of(row),
        started_at=row["started_at"],
        last_used_at=row["last_used_at"],
        is_ended=row["ended_at"] is not None,
        is_killed=row["killed_at"] is not None,
        exchanged=exchanged,
        now=row["now"],
    )
