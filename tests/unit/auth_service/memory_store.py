"""A store in memory for the actions' unit tests. It passes the same contract as the database (store_contract.py).

Every statement lets other tasks run first, so that callers really race; a failing transaction undoes what it did.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from auth_service.core import errors
from auth_service.core.sessions import Exchange, Exchanged, Presented, SessionId, TokenHash
from auth_service.core.users import User, UserId

Undo = Callable[[], object]


@dataclass(frozen=True)
class _Session:
    user: UserId
    started_at: datetime
    last_used_at: datetime
    is_ended: bool = False


@dataclass(frozen=True)
class _Token:
    session: SessionId
    is_killed: bool = False
    exchange: Exchange | None = None
    exchanged_at: datetime | None = None


@dataclass
class _Rows:
    users: dict[UserId, User] = field(default_factory=dict)
    sessions: dict[SessionId, _Session] = field(default_factory=dict)
    tokens: dict[TokenHash, _Token] = field(default_factory=dict)
    feed: list[tuple[str, str]] = field(default_factory=list)
    now: datetime = datetime(2026, 1, 1, tzinfo=UTC)


class MemoryStore:
    def __init__(self) -> None:
        self.rows = _Rows()

    @property
    def feed(self) -> list[tuple[str, str]]:
        """Kind and subject of everything the gateways were told."""
        return self.rows.feed

    def disable(self, user: UserId) -> None:
        self.rows.users[user] = replace(self.rows.users[user], is_disabled=True)

    async def age(self, seconds: float) -> None:
        self.rows.now += timedelta(seconds=seconds)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator["MemoryTransaction"]:
        tx = MemoryTransaction(self.rows)
        try:
            yield tx
        except BaseException:
            for undo in reversed(tx.undo):
                undo()
            raise
        self.rows.feed.extend(tx.notes)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator["MemoryTransaction"]:
        yield MemoryTransaction(self.rows)


class MemoryTransaction:
    def __init__(self, rows: _Rows) -> None:
        self.undo: list[Undo] = []
        self.notes: list[tuple[str, str]] = []
        self.users = MemoryUsers(rows, self.undo)
        self.sessions = MemorySessions(rows, self.undo, self.notes)

    def note_user(self, user: UserId) -> None:
        self.notes.append(("user", user))


class MemoryUsers:
    def __init__(self, rows: _Rows, undo: list[Undo]) -> None:
        self._rows = rows
        self._undo = undo

    async def add(self, user: User) -> None:
        await asyncio.sleep(0)
        if any(other.email == user.email for other in self._rows.users.values()):
            raise errors.email_taken()
        self._rows.users[user.id] = user
        self._undo.append(lambda: self._rows.users.pop(user.id))

    async def find_by_email(self, email: str) -> User | None:
        await asyncio.sleep(0)
        return next((user for user in self._rows.users.values() if user.email == email), None)

    async def of_session(self, session: SessionId) -> User | None:
        await asyncio.sleep(0)
        row = self._rows.sessions.get(session)
        return None if row is None or row.is_ended else self._rows.users[row.user]

    async def update(self, user: UserId, change: Callable[[User], User]) -> User | None:
        await asyncio.sleep(0)
        before = self._rows.users.get(user)
        if before is None:
            return None
        after = change(before)
        self._write(replace(before, name=after.name, picture=after.picture, profile=after.profile), before)
        return after

    async def set_password(self, user: UserId, old_hash: str, new_hash: str) -> bool:
        await asyncio.sleep(0)
        before = self._rows.users.get(user)
        if before is None or before.password != old_hash:
            return False
        self._write(replace(before, password=new_hash), before)
        return True

    def _write(self, after: User, before: User) -> None:
        self._rows.users[after.id] = after
        self._undo.append(lambda: self._rows.users.update({before.id: before}))


class MemorySessions:
    def __init__(self, rows: _Rows, undo: list[Undo], notes: list[tuple[str, str]]) -> None:
        self._rows = rows
        self._undo = undo
        self._notes = notes

    async def open(self, session: SessionId, user: UserId, token: TokenHash) -> None:
        await asyncio.sleep(0)
        self._rows.sessions[session] = _Session(user, self._rows.now, self._rows.now)
        self._undo.append(lambda: self._rows.sessions.pop(session))
        self._add_token(token, session)

    async def find(self, token: TokenHash) -> Presented | None:
        await asyncio.sleep(0)
        row = self._rows.tokens.get(token)
        if row is None:
            return None
        session = self._rows.sessions[row.session]
        return Presented(
            hash=token,
            session=row.session,
            user=self._rows.users[session.user],
            started_at=session.started_at,
            last_used_at=session.last_used_at,
            is_ended=session.is_ended,
            is_killed=row.is_killed,
            exchanged=self._exchanged(row),
            now=self._rows.now,
        )

    async def rotate(self, token: TokenHash, exchange: Exchange) -> bool:
        await asyncio.sleep(0)
        row = self._rows.tokens[token]
        if row.is_killed or row.exchange is not None:
            return False
        self._exchange(token, row, exchange)
        return True

    async def replace(self, token: TokenHash, old_salt: bytes, exchange: Exchange) -> bool:
        await asyncio.sleep(0)
        row = self._rows.tokens[token]
        if row.exchange is None or row.exchange.salt != old_salt:
            return False
        lost = self._rows.tokens[row.exchange.successor]
        if lost.is_killed or lost.exchange is not None:
            return False
        self._write(row.exchange.successor, replace(lost, is_killed=True))
        self._exchange(token, row, exchange)
        return True

    async def end(self, session: SessionId) -> bool:
        await asyncio.sleep(0)
        before = self._rows.sessions.get(session)
        if before is None or before.is_ended:
            return False
        self._rows.sessions[session] = replace(before, is_ended=True)
        self._undo.append(lambda: self._rows.sessions.update({session: before}))
        self._notes.append(("session", session))
        return True

    def _exchanged(self, row: _Token) -> Exchanged | None:
        if row.exchange is None or row.exchanged_at is None:
            return None
        successor = self._rows.tokens[row.exchange.successor]
        return Exchanged(row.exchange.salt, row.exchange.key_id, row.exchanged_at, successor.exchange is not None)

    def _exchange(self, token: TokenHash, row: _Token, exchange: Exchange) -> None:
        self._write(token, replace(row, exchange=exchange, exchanged_at=self._rows.now))
        self._add_token(exchange.successor, row.session)
        session = self._rows.sessions[row.session]
        self._rows.sessions[row.session] = replace(session, last_used_at=self._rows.now)
        self._undo.append(lambda: self._rows.sessions.update({row.session: session}))

    def _add_token(self, token: TokenHash, session: SessionId) -> None:
        self._rows.tokens[token] = _Token(session)
        self._undo.append(lambda: self._rows.tokens.pop(token))

    def _write(self, token: TokenHash, after: _Token) -> None:
        before = self._rows.tokens[token]
        self._rows.tokens[token] = after
        self._undo.append(lambda: self._rows.tokens.update({token: before}))
