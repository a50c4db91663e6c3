"""Rows of users: all SQL of the noun."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from sqlalchemy import RowMapping, Select, bindparam, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from auth_service.core import errors
from auth_service.core.sessions import SessionId
from auth_service.core.users import Account, Role, User, UserId
from auth_service.store import tables
from auth_service.store.clock import database_now
from auth_service.store.insertion import insert_or_skip
from auth_service.store.lifetimes import is_over

_COLUMNS = tuple(column for column in tables.user.c if column.name != "created_at")


def user_columns() -> tuple[Any, ...]:
    """The columns `user_of` reads, labelled apart from those of other tables."""
    return tuple(column.label(f"user_{column.name}") for column in _COLUMNS)


def user_of(row: RowMapping) -> User:
    return User(**{column.name: row[f"user_{column.name}"] for column in _COLUMNS})


# What log-ins and every authorised request ask, made once.
_BY_EMAIL = select(*user_columns()).where(tables.user.c.email == bindparam("sought"))
_LOCKED = select(*user_columns()).where(tables.user.c.id == bindparam("sought")).with_for_update(key_share=True)
_OF_SESSION = (
    select(*user_columns())
    .join_from(tables.user, tables.session)
    .where(tables.session.c.id == bindparam("sought"), ~is_over(), tables.user.c.is_disabled.is_(False))
)


class StoredUsers:
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add(self, user: User) -> None:
        new = insert_or_skip(self._connection, tables.user, "email")
        done = await self._connection.execute(new.values(**asdict(user), created_at=database_now()))
        if done.rowcount == 0:
            raise errors.email_taken()

    async def find_by_email(self, email: str) -> User | None:
        if "\0" in email:  # no text to PostgreSQL, which would fail on it
            return None
        return await self._first(_BY_EMAIL, sought=email)

    async def of_session(self, session: SessionId) -> User | None:
        return await self._first(_OF_SESSION, sought=session)

    async def find(self, user: UserId) -> User | None:
        return await self._first(select(*user_columns()).where(tables.user.c.id == user))

    async def lock(self, user: UserId) -> User | None:
        return await self._first(_LOCKED, sought=user)

    async def administrators(self) -> list[UserId]:
        query = (
            select(tables.user.c.id)
            .where(tables.user.c.role == "administrator", tables.user.c.is_disabled.is_(False))
            # In one order for all: two who lock the same rows never wait for each other.
            .order_by(tables.user.c.id)
            .with_for_update(key_share=True)
        )
        return list((await self._connection.execute(query)).scalars())

    async def page(self, after: str, limit: int) -> list[Account]:
        query = _accounts().where(tables.user.c.email > after).order_by(tables.user.c.email).limit(limit)
        return [_account(row) for row in (await self._connection.execute(query)).mappings()]

    async def account(self, user: UserId) -> Account | None:
        row = (await self._connection.execute(_accounts().where(tables.user.c.id == user))).mappings().first()
        return None if row is None else _account(row)

    async def any(self) -> bool:
        return (await self._connection.execute(select(tables.user.c.id).limit(1))).first() is not None

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

    async def set_password(self, user: UserId, old_hash: str | None, new_hash: str) -> bool:
        is_it = tables.user.c.id == user
        if old_hash is not None:
            is_it &= tables.user.c.password == old_hash
        done = await self._connection.execute(update(tables.user).where(is_it).values(password=new_hash))
        return done.rowcount == 1

    async def set_role(self, user: UserId, role: Role) -> bool:
        return await self._set(user, role=role)

    async def set_disabled(self, user: UserId, *, disabled: bool) -> bool:
        return await self._set(user, is_disabled=disabled)

    async def remove(self, user: UserId) -> bool:
        done = await self._connection.execute(delete(tables.user).where(tables.user.c.id == user))
        return done.rowcount == 1

    async def _set(self, user: UserId, **values: object) -> bool:
        done = await self._connection.execute(update(tables.user).where(tables.user.c.id == user).values(values))
        return done.rowcount == 1

    async def _first(self, query: Select[Any], **sought: str) -> User | None:
        row = (await self._connection.execute(query, sought)).mappings().first()
        return None if row is None else user_of(row)


def _accounts() -> Select[Any]:
    last_used = func.max(tables.session.c.last_used_at, type_=tables.UtcMillis()).label("last_used_at")
    return (
        select(*user_columns(), tables.user.c.created_at, last_used)
        .outerjoin_from(tables.user, tables.session)
        .group_by(tables.user.c.id)
    )


def _account(row: RowMapping) -> Account:
    return Account(user_of(row), row["created_at"], row["last_used_at"])
