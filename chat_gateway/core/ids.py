"""The identifiers of the chat: opaque strings, told apart by type."""

from typing import Annotated, NewType

import msgspec

MAX_ID = 255
"""Code points, as in a channel's name."""

Id = Annotated[str, msgspec.Meta(max_length=MAX_ID)]
"""An identifier a request brings, of whatever kind: bounded before anything looks it up or remembers it."""

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


def live_channel(room: RoomId) -> str:
    """Name the channel of what is told to those who look at the room now, and kept nowhere."""
    return f"live:{room}"


def looked_at(channel: str) -> RoomId | None:
    """Name the room whose live channel this is; None for any other channel."""
    kind, _, room = channel.partition(":")
    return RoomId(room) if kind == "live" and room else None


def room_of(log: str) -> RoomId | None:
    """Name the room whose log this is; None for any other channel."""
    kind, _, room = log.partition(":")
    return RoomId(room) if kind == "room" and room else None
