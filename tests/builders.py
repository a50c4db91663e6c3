"""Values for tests, with what does not matter filled in."""

from collections.abc import Iterable
from typing import Any

from chat_gateway.core.changes import Post
from chat_gateway.core.entries import Entry, Kind
from chat_gateway.core.ids import ClientId, EntryId, LogId, RoomId, UserId
from chat_gateway.core.rooms import Room
from chat_gateway.realtime.ports import User
from chat_gateway.realtime.publication import Batch, Position, Publication

ID = "01900000-0000-7000-8000-000000000001"
OTHER_ID = "01900000-0000-7000-8000-000000000002"
NOW = 1_800_000_000.0


class Clock:
    """Stands still until a test turns it."""

    def __init__(self, now: float = NOW, monotonic: float = 1_000.0) -> None:
        self._now = now
        self._monotonic = monotonic

    def now(self) -> float:
        return self._now

    def monotonic(self) -> float:
        return self._monotonic

    def pass_seconds(self, seconds: float) -> None:
        self._now += seconds
        self._monotonic += seconds

    def step(self, seconds: float) -> None:
        """Set the wall clock, as NTP does: durations do not notice."""
        self._now += seconds


def publication(offset: int, *, kind: int = 1, subject: str = "", data: bytes = b"{}") -> Publication:
    return Publication(offset, kind, f"entry-{offset}", subject, data)


def publications(*offsets: int) -> tuple[Publication, ...]:
    return tuple(publication(offset) for offset in offsets)


def batch(channel: str, entries: Iterable[Publication | int], *, epoch: str = "e1") -> Batch:
    return Batch(channel, epoch, tuple(publication(one) if isinstance(one, int) else one for one in entries))


def head(offset: int, epoch: str = "e1") -> Position:
    return Position(offset, epoch)


def user(name: str = "ann", *, expires_at: int = int(NOW) + 600, session: str = "s1") -> User:
    return User(id=name, name=name.title(), picture="", session=session, key_id="k", expires_at=expires_at)


def entry(**fields: Any) -> Entry:
    defaults: dict[str, Any] = {
        "log": LogId("room:r1"),
        "offset": 7,
        "kind": Kind.MESSAGE_POSTED,
        "id": EntryId(ID),
        "author": UserId("ann"),
        "client_id": ClientId(OTHER_ID),
        "at": 1_800_000_000_000,
        "posts": 5,
        "content": '{"body":"hello"}',
    }
    return Entry(**defaults | fields)


def room(**fields: Any) -> Room:
    defaults: dict[str, Any] = {
        "id": RoomId("r1"),
        "name": "Room",
        "kind": "public",
        "topic": "",
        "role": "member",
        "head": 7,
        "posts": 5,
        "marker": 0,
        "unread": 5,
    }
    return Room(**defaults | fields)


def post(**fields: Any) -> Post:
    defaults: dict[str, Any] = {
        "id": EntryId(ID),
        "room": RoomId("r1"),
        "author": UserId("ann"),
        "client_id": ClientId(OTHER_ID),
        "content": '{"body":"hello"}',
    }
    return Post(**defaults | fields)
