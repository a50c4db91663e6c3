"""Rows of users: all SQL of the noun."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from sqlalchemy import RowMapping, Select, Table, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from auth_service.core import errors
from auth_service.core.sessions import SessionId
from auth_service.core.users import User, UserId
from auth_service.store import tables
from auth_service.store.clock import database_now

_INSERTS: dict[str, Callable[[Table], sqlite.Insert | postgresql.Insert]] = {
    "postgresql": postgresql.insert,
    "sqlite": sqlite.insert,
}
_COLUMNS = tuple(column for column in tables.user.c if column.name != "created_at")


def user_columns() -> tuple[Any, ...]:
    """The columns `user_of` reads, labelled apart from those of other tables."""
    return tuple(column.label(f"user_{column.name}") for column in _COLUMNS)


def user_of(row: RowMapping) -> User:
    return User(**{column.name: row[f"user_{column.name}"] for column in _COLUMNS})


class StoredUsers:
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add(self, user: User) -> None:
        # no error where the address is taken: PostgreSQL would write it into its own log
        new = _INSERTS[self._connection.dialect.name](tables.user).on_conflict_do_nothing(index_elements=["email"])
        done = await self._connection.execute(new.values(**asdict(user), created_at=database_now()))
        if done.rowcount == 0:
            raise errors.email_taken()

    async def find_by_email(self, email: str) -> User | None:
        return await self._first(select(*user_columns()).where(tables.user.c.email == email))

    async def of_session(self, session: SessionId) -> User | None:
        return await self._first(
            select(*user_columns())
            .join_from(tables.user, tables.session)
            .where(tables.session.c.id == session, tables.session.c.ended_at.is_(None))
        )

    async def update(self, user: UserId, change: Callable[[User], User]) -> User | None:
        current = await self._first(select(*user_columns()).where(tables.user.c.id == user).with_for_update())
        if current is None:
            return None
        changed = change(current)
        await self._connection.execute(
            update(tables.user)
            .where(tables.user.c.id == user)
            .values(name=changed.name, picture=changed.picture, profile=changed.profile)
        )
        return changed

    async def set_password(self, user: UserId, old_hash: str, new_hash: str) -> bool:
        done = await self._connection.execute(
            update(tables.user)
            .where(tables.user.c.id == user, tables.user.c.password == old_hash)
            .values(password=new_hash)
        )
        return done.rowcount == 1

    async def remove(self, user: UserId) -> bool:
        """Deletes the user with all sessions; the caller notes it for the feed."""
        done = await self._connection.execute(delete(tables.user).where(tables.user.c.id == user))
        return done.rowcount == 1

    async def _first(self, query: Select[Any]) -> User | None:
        row = (await self._connection.execute(query)).mappings().first()
        return None if row is None else user_of(row)
