"""Rows of sessions and their refresh tokens: all SQL of the noun. Only hashes of tokens are ever here."""

from sqlalchemy import ColumnElement, RowMapping, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from auth_service.core.sessions import Exchange, Exchanged, Presented, SessionId, TokenHash
from auth_service.core.users import UserId
from auth_service.store import tables
from auth_service.store.changes import Note
from auth_service.store.clock import database_now
from auth_service.store.users import user_columns, user_of

_token = tables.refresh_token
_session = tables.session


class StoredSessions:
    def __init__(self, connection: AsyncConnection, notes: list[Note]) -> None:
        self._connection = connection
        self._notes = notes

    async def open(self, session: SessionId, user: UserId, token: TokenHash) -> None:
        now = database_now()
        await self._connection.execute(
            insert(_session).values(id=session, user_id=user, started_at=now, last_used_at=now)
        )
        await self._connection.execute(insert(_token).values(hash=token, session_id=session))

    async def find(self, token: TokenHash) -> Presented | None:
        following = _token.alias("following")
        query = (
            select(
                *user_columns(),
                _token,
                _session,
                (following.c.exchanged_at.is_not(None)).label("is_successor_used"),
                database_now().label("now"),
            )
            .join_from(_token, _session)
            .join(tables.user)
            .outerjoin(following, following.c.hash == _token.c.successor)
            .where(_token.c.hash == token)
        )
        row = (await self._connection.execute(query)).mappings().first()
        return None if row is None else _presented(row)

    async def rotate(self, token: TokenHash, exchange: Exchange) -> bool:
        return await self._exchange(token, exchange, _token.c.exchanged_at.is_(None))

    async def replace(self, token: TokenHash, old_salt: bytes, exchange: Exchange) -> bool:
        old = select(_token.c.successor).where(_token.c.hash == token, _token.c.salt == old_salt).scalar_subquery()
        killed = await self._connection.execute(
            update(_token)
            .where(_token.c.hash == old, _token.c.exchanged_at.is_(None), _token.c.killed_at.is_(None))
            .values(killed_at=database_now())
        )
        # Of two who replace at once one kills the successor; who killed it holds its lock, so the rest cannot fail.
        return killed.rowcount == 1 and await self._exchange(token, exchange, _token.c.salt == old_salt)

    async def _exchange(self, token: TokenHash, exchange: Exchange, condition: ColumnElement[bool]) -> bool:
        done = await self._connection.execute(
            update(_token)
            .where(_token.c.hash == token, _token.c.killed_at.is_(None), condition)
            .values(
                exchanged_at=database_now(),
                salt=exchange.salt,
                key_id=exchange.key_id,
                successor=exchange.successor,
            )
            .returning(_token.c.session_id)
        )
        session = done.scalar_one_or_none()
        if session is None:
            return False
        await self._connection.execute(insert(_token).values(hash=exchange.successor, session_id=session))
        await self._connection.execute(
            update(_session).where(_session.c.id == session).values(last_used_at=database_now())
        )
        return True

    async def end(self, session: SessionId) -> bool:
        done = await self._connection.execute(
            update(_session)
            .where(_session.c.id == session, _session.c.ended_at.is_(None))
            .values(ended_at=database_now())
            .returning(_session.c.user_id)
        )
        user = done.scalar_one_or_none()
        if user is None:
            return False
        self._notes.append(Note("session", session, user))
        return True


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
