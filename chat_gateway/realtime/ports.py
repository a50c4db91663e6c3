"""What the engine needs: a bus that may lose, a log that does not, and an application that decides.

Guarantees: the bus delivers at most once, in any order, to every instance that wants the channel, itself included; the
log is the truth. The hub makes exactly-once, in order, out of the two.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

import msgspec

from chat_gateway.realtime.publication import Batch, Position, Publication


class Bus(Protocol):
    """Relay between instances. No method blocks or raises; what cannot be sent is dropped and shown by offsets."""

    def publish(self, batch: Batch) -> None:
        """Queue the batch, bounded at 8 MiB; an overflow drops it."""

    def subscribe(self, channel: str) -> None:
        """Want the channel from now on; the receiver hears `confirmed` once the link carries it."""

    def unsubscribe(self, channel: str) -> None: ...


class BusReceiver(Protocol):
    """What a bus calls, from the event loop, never concurrently."""

    def received(self, batch: Batch) -> None: ...

    def confirmed(self, channels: Sequence[str]) -> None:
        """These are carried from now on, for the first time or again after the link was down."""

    def rung(self) -> None:
        """The auth service's doorbell rang, or the link is new and a ring may have been missed."""


class ChannelLog(Protocol):
    async def heads(self, channels: Collection[str]) -> dict[str, Position]:
        """Heads and epochs of the channels that exist, in one query."""

    async def read(self, channel: str, *, after: int, limit: int) -> list[Publication]:
        """The oldest publications above `after`, rising and without gaps; at most `limit`."""


class User(msgspec.Struct, frozen=True, kw_only=True):
    """Who a verified token speaks for. `expires_at` is Unix time in seconds; `session` what a revocation names."""

    id: str
    name: str
    picture: str
    session: str
    key_id: str
    expires_at: int


class Recovered(msgspec.Struct, frozen=True, kw_only=True):
    """One channel in a snapshot: its head, and what the subscriber missed if that is complete."""

    head: Position
    recovered: bool
    publications: tuple[Publication, ...] = ()


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """Channels the user may read now, all of one database snapshot, and the connect reply's data as JSON."""

    channels: Mapping[str, Recovered]
    data: bytes = b"{}"


class Gained(msgspec.Struct, frozen=True):
    """In a user's own channel: that user may read `channel` from now on."""

    channel: str


class Lost(msgspec.Struct, frozen=True):
    """In any other channel: `user` may read nothing that stands above this publication."""

    user: str


class Application(Protocol):
    """What runs on the engine. Methods raise AppError for a refusal; it becomes a protocol error by its code."""

    membership_kinds: frozenset[int]
    """The kinds of publications that change who may read a channel: the hub asks `effect` about these only."""

    def effect(self, publication: Publication) -> Gained | Lost | None: ...

    async def verify(self, token: str) -> User:
        """Read a connection token, asking for an unknown key at most once and for 2 s.

        Raises Unauthenticated with code `token_expired`, `invalid_token` or `unauthorized` (none given), Unavailable
        where the key cannot be looked up now.
        """

    def channel_of(self, user: User) -> str:
        """The user's own channel, where gains are told."""

    async def channels_of(self, user: User, data: bytes) -> Sequence[str] | None:
        """All other channels the server subscribes this user's connection to; None where `data` asks for none."""

    async def snapshot(self, user: User, since: Mapping[str, Position | None], *, connect: bool) -> Snapshot:
        """Authorise and read in one snapshot. Channels the user may not read are absent from the answer.

        `since` holds a position where the client asks for recovery, None where it wants only the head.
        """

    async def publish(self, user: User, channel: str, data: bytes) -> None: ...

    async def rpc(self, user: User, method: str, data: bytes) -> bytes: ...

    async def history(
        self, user: User, channel: str, *, since: Position | None, limit: int, reverse: bool
    ) -> tuple[Position, Sequence[Publication]]: ...
