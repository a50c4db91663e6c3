"""What the engine needs: a bus that may lose, a log that does not, an application that decides, presence.

Guarantees: the bus delivers at most once, in any order, to every instance that wants the channel, itself included; the
log is the truth. The hub makes exactly-once, in order, out of the two.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

import msgspec

from chat_gateway.protocol.frames import ClientInfo, Subscribe
from chat_gateway.realtime.publication import Batch, Position, Publication


class Bus(Protocol):
    """Relay between instances: none but `forward` blocks or raises; a batch that cannot be sent is dropped.

    Offsets show what was dropped.
    """

    def publish(self, batch: Batch) -> None:
        """Queue the batch, bounded at 8 MiB; an overflow drops it."""

    def subscribe(self, channel: str) -> None:
        """Want the channel from now on; the receiver hears `confirmed` once the link carries it."""

    def unsubscribe(self, channel: str) -> None: ...

    async def forward(self, node: str, message: bytes) -> bool:
        """Send to one instance alone; answer whether there is one of that name, not whether it took the message.

        Raises Unavailable where instances do not reach each other, within 2 s.
        """


class BusReceiver(Protocol):
    """What a bus calls, from the event loop, never concurrently."""

    def received(self, batch: Batch) -> None: ...

    def confirmed(self, channels: Sequence[str]) -> None:
        """These are carried from now on, for the first time or again after the link was down."""

    def rung(self) -> None:
        """The auth service's doorbell rang, or the link is new and a ring may have been missed."""

    def forwarded(self, message: bytes) -> None:
        """Another instance sent this to us alone. It may come late, or not at all."""


class ChannelLog(Protocol):
    async def heads(self, channels: Collection[str]) -> dict[str, Position]:
        """Heads and epochs of the channels that exist, in one query."""

    async def read(self, channel: str, *, after: int, limit: int) -> tuple[str, list[Publication]]:
        """The log's epoch and, of the same snapshot, the oldest publications above `after`.

        They rise without gaps; at most `limit`.
        """


class Grant(msgspec.Struct, frozen=True, kw_only=True):
    """The options of one subscription.

    `has_log` is False for a channel of ephemerals only: nothing is read for it, so `admit` alone decides who may come.
    `within` names a channel without which this one is nothing: the session must be on it, and losing it ends both.
    `presence`: the Presence port hears of this subscription. `join_leave`: joins and leaves are told to it.
    `expires_at` is Unix time in seconds, None for never. `chan_info` is shown to others, `data` to the subscriber.
    """

    has_log: bool = True
    recoverable: bool = True
    positioned: bool = True
    join_leave: bool = False
    presence: bool = False
    within: str | None = None
    expires_at: int | None = None
    chan_info: bytes = b""
    data: bytes = b""


NO_GRANTS: Mapping[str, Grant] = {}


class User(msgspec.Struct, frozen=True, kw_only=True):
    """Who a verified token speaks for. `expires_at` is Unix time in seconds; `session` what a revocation names.

    `info` is what other clients are shown of this connection; `subs` are subscriptions that the token itself brings.
    """

    id: str
    name: str
    picture: str
    session: str
    key_id: str
    expires_at: int | None
    info: bytes = b""
    subs: Mapping[str, Grant] = NO_GRANTS


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


class Scrubbed(msgspec.Struct, frozen=True):
    """A text that was published before on this channel is deleted: it may not be written any more."""


class Application(Protocol):
    """What runs on the engine. Methods raise AppError for a refusal; it becomes a protocol error by its code.

    `data` that came as JSON is `json_text.Readable`: made for decoders, which need not have it looked at once more.
    """

    effective_kinds: frozenset[int]
    """The kinds of publications that change who may read what: the hub asks `effect` about these only."""

    def effect(self, publication: Publication) -> Gained | Lost | Scrubbed | None: ...

    async def verify(self, token: str) -> User:
        """Read a connection token, asking for an unknown key at most once and for 2 s.

        Raises Unauthenticated with code `token_expired`, `invalid_token` or `unauthorized` (none given), Unavailable
        where the key cannot be looked up now.
        """

    def channel_of(self, user: User) -> str | None:
        """The user's own channel, where gains are told; None for a user who has none."""

    async def channels_of(self, user: User, data: bytes) -> Sequence[str] | None:
        """All other channels the server subscribes this user's connection to; None where `data` asks for none."""

    def grant(self, user: User, channel: str) -> Grant:
        """The options of a subscription that the server makes: the user's own channel, channels_of, gains."""

    async def admit(self, user: User, wish: Subscribe, info: ClientInfo) -> Grant:
        """Judge a client's wish by its token and the channel's name; who may read a log is for `snapshot` to say.

        `wish` holds channel and token only where an expiring subscription is to be renewed. Raises AppError, such as
        Forbidden `permission_denied`, NotFound `unknown_channel`, Unauthenticated `token_expired`, or Disconnected.
        """

    async def snapshot(self, user: User, since: Mapping[str, Position | None], *, connect: bool) -> Snapshot:
        """Authorise and read in one snapshot. Channels the user may not read are absent from the answer.

        Only channels with a log are asked for. `since` holds a position where the client asks for recovery, None where
        it wants only the head.
        """

    async def publish(self, user: User, channel: str, data: bytes, info: ClientInfo) -> None:
        """`info` is the publisher, for channels that show it."""

    async def rpc(self, user: User, method: str, data: bytes) -> bytes: ...

    def is_slow(self, method: str) -> bool:
        """Whether the rpc reads so much that only few of its kind may run at once for one client."""

    async def history(
        self, user: User, channel: str, *, since: Position | None, limit: int, reverse: bool
    ) -> tuple[Position, Sequence[Publication]]:
        """A page as the protocol asks for it; the engine judges whether `since` is of this log.

        `limit` 0 asks for the position only, below 0 for as much as there is in one page. `since` is exclusive in both
        directions; without it a page begins at the log's end in reverse, at its beginning otherwise.
        """


class Present(msgspec.Struct, frozen=True, kw_only=True):
    """Who is in a channel, by a key of the implementation's choice, and how many in all: the list may be cut short."""

    clients: Mapping[str, ClientInfo]
    num_clients: int
    num_users: int


class Presence(Protocol):
    """Who is there: the engine says who comes and goes on this instance, clients ask.

    Per user: count `connected` and `disconnected`, and let `of` find a room's members among those who are online.
    Per channel: keep what `joined` and `left` say; joins and leaves are told by `Engine.announce`, with kinds JOIN and
    LEAVE. What is said to an implementation is synchronous and neither blocks nor raises; `left` and `disconnected`
    come exactly once for each `joined` and `connected`, with the same info.
    """

    def connected(self, client: ClientInfo) -> None:
        """The connect reply was queued."""

    def disconnected(self, client: ClientInfo) -> None: ...

    def joined(self, channel: str, client: ClientInfo) -> None:
        """A subscription with `Grant.presence` lives: what is announced now reaches it, behind its reply."""

    def left(self, channel: str, client: ClientInfo) -> None: ...

    async def of(self, user: User, channel: str) -> Present:
        """Answer the user who is in the channel, on all instances.

        Raises NotFound or Forbidden where the user may not know, Unavailable where nobody knows now, which is not the
        same as nobody being there.
        """
