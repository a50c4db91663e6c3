"""The identifiers of the chat: opaque strings, told apart by type."""

from typing import NewType

RoomId = NewType("RoomId", str)
UserId = NewType("UserId", str)
EntryId = NewType("EntryId", str)
ClientId = NewType("ClientId", str)
LogId = NewType("LogId", str)
"""A log's name, which is also its channel: `room:<room id>` or `user:<user id>`."""


def room_log(room: RoomId) -> LogId:
    return LogId(f"room:{room}")


def user_log(user: UserId) -> LogId:
    return LogId(f"user:{user}")


def room_of(log: str) -> RoomId | None:
    """Name the room whose log this is; None for any other channel."""
    kind, _, room = log.partition(":")
    return RoomId(room) if kind == "room" and room else None
