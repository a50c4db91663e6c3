"""What client and server say to each other, whatever the encoding: commands, results and pushes.

The field names are the protocol's own. `data` is always bytes, passed through unread; for a client of the JSON variant
it is JSON on one line. Zero means absent, as on the wire.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, ClassVar, Protocol, TypeAlias

import msgspec
from msgspec import Meta

Id: TypeAlias = Annotated[int, Meta(ge=0, le=2**32 - 1)]
MAX_OFFSET = 2**63 - 1
"""What a database holds; the schema has one bit more."""

Offset: TypeAlias = Annotated[int, Meta(ge=0, le=MAX_OFFSET)]
Int32: TypeAlias = Annotated[int, Meta(ge=-(2**31), le=2**31 - 1)]
Int64: TypeAlias = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]

NO_SUBS: Mapping[str, "SubscribeResult"] = {}


class ClientInfo(msgspec.Struct, frozen=True):
    """Who a client is, to others. The two infos are opaque, as `data`; empty means none."""

    user: str
    client: str
    conn_info: bytes = b""
    chan_info: bytes = b""


NOBODY: Mapping[str, ClientInfo] = {}


class Published(Protocol):
    """As much of a publication as the wire shows. `info` is there when a client published it."""

    @property
    def offset(self) -> int: ...

    @property
    def data(self) -> bytes: ...

    @property
    def info(self) -> ClientInfo | None: ...


class StreamPosition(msgspec.Struct, frozen=True):
    offset: Offset = 0
    epoch: str = ""


class Resume(msgspec.Struct, frozen=True):
    """Where a client wants a server-side subscription continued."""

    recover: bool = False
    epoch: str = ""
    offset: Offset = 0


class Connect(msgspec.Struct, frozen=True):
    token: str = ""
    data: bytes = b""
    name: str = ""
    version: str = ""
    headers: dict[str, str] = {}
    subs: dict[str, Resume] = {}


class Subscribe(msgspec.Struct, frozen=True):
    """`tf`, a tags filter, is kept so that it can be refused; `type` 0 is a stream, all others are unsupported."""

    channel: str = ""
    token: str = ""
    recover: bool = False
    epoch: str = ""
    offset: Offset = 0
    positioned: bool = False
    recoverable: bool = False
    join_leave: bool = False
    delta: str = ""
    flag: Int64 = 0
    type: Int32 = 0
    data: bytes = b""
    tf: bytes = b""


class Unsubscribe(msgspec.Struct, frozen=True):
    channel: str = ""


class Publish(msgspec.Struct, frozen=True):
    channel: str = ""
    data: bytes = b""


class Rpc(msgspec.Struct, frozen=True):
    method: str = ""
    data: bytes = b""


class Send(msgspec.Struct, frozen=True):
    data: bytes = b""


class History(msgspec.Struct, frozen=True):
    """`limit` 0 asks for the position only, below 0 for everything; `since` is exclusive in both directions."""

    channel: str = ""
    limit: Int32 = 0
    since: StreamPosition | None = None
    reverse: bool = False


class Presence(msgspec.Struct, frozen=True):
    channel: str = ""


class PresenceStats(msgspec.Struct, frozen=True):
    channel: str = ""


class Refresh(msgspec.Struct, frozen=True):
    token: str = ""


class SubRefresh(msgspec.Struct, frozen=True):
    channel: str = ""
    token: str = ""


class Ping(msgspec.Struct, frozen=True):
    """The ping *command*, which the schema has and no server takes."""


class Pong(msgspec.Struct, frozen=True):
    """The client's answer to a ping: a command with nothing in it."""


ChannelRequest: TypeAlias = Subscribe | Unsubscribe | Publish | Presence | PresenceStats | History | SubRefresh
Request: TypeAlias = Connect | ChannelRequest | Rpc | Send | Refresh | Ping | Pong


class Command(msgspec.Struct, frozen=True):
    """One thing a client asks. `request` is None if it is none that we know; `id` is 0 for Send and Pong only."""

    id: Id
    request: Request | None


class _Result(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What answers a command. `key` is the field of the reply that holds it."""

    key: ClassVar[str]


class SubscribeResult(_Result, frozen=True):
    key: ClassVar[str] = "subscribe"
    expires: bool = False
    ttl: int = 0
    recoverable: bool = False
    positioned: bool = False
    epoch: str = ""
    offset: int = 0
    publications: Sequence[Published] = ()
    recovered: bool = False
    was_recovering: bool = False
    data: bytes = b""


class ConnectResult(_Result, frozen=True):
    """`ping` is in seconds; `pong` asks for answers to pings; `session`, `node` serve emulation; `time` is in ms."""

    key: ClassVar[str] = "connect"
    client: str
    version: str = ""
    data: bytes = b""
    expires: bool = False
    ttl: int = 0
    ping: int = 0
    pong: bool = False
    session: str = ""
    node: str = ""
    subs: Mapping[str, SubscribeResult] = NO_SUBS
    time: int = 0


class UnsubscribeResult(_Result, frozen=True):
    key: ClassVar[str] = "unsubscribe"


class PublishResult(_Result, frozen=True):
    key: ClassVar[str] = "publish"


class PresenceResult(_Result, frozen=True):
    """`presence` holds the channel's clients by their id."""

    key: ClassVar[str] = "presence"
    presence: Mapping[str, ClientInfo] = NOBODY


class PresenceStatsResult(_Result, frozen=True):
    key: ClassVar[str] = "presence_stats"
    num_clients: int = 0
    num_users: int = 0


class RpcResult(_Result, frozen=True):
    key: ClassVar[str] = "rpc"
    data: bytes = b""


class HistoryResult(_Result, frozen=True):
    key: ClassVar[str] = "history"
    publications: Sequence[Published] = ()
    epoch: str = ""
    offset: int = 0


class RefreshResult(_Result, frozen=True):
    key: ClassVar[str] = "refresh"
    expires: bool = False
    ttl: int = 0


class SubRefreshResult(_Result, frozen=True):
    key: ClassVar[str] = "sub_refresh"
    expires: bool = False
    ttl: int = 0


ChannelResult: TypeAlias = SubscribeResult | UnsubscribeResult | PublishResult | HistoryResult | SubRefreshResult
Result: TypeAlias = ConnectResult | ChannelResult | PresenceResult | PresenceStatsResult | RpcResult | RefreshResult


class _Push(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the server says unasked. `key` is the field of the push that holds it."""

    key: ClassVar[str]


class SubscribePush(_Push, frozen=True, kw_only=True):
    """The server subscribed the client to the channel."""

    key: ClassVar[str] = "subscribe"
    recoverable: bool = False
    epoch: str = ""
    offset: int = 0
    positioned: bool = False
    data: bytes = b""


class UnsubscribePush(_Push, frozen=True):
    """The server ended a subscription; the code says whether the client comes back. The reason is never empty."""

    key: ClassVar[str] = "unsubscribe"
    code: int
    reason: str


class Join(_Push, frozen=True):
    key: ClassVar[str] = "join"
    info: ClientInfo


class Leave(_Push, frozen=True):
    key: ClassVar[str] = "leave"
    info: ClientInfo


class MessagePush(_Push, frozen=True):
    """A message to this one client, outside of any channel."""

    key: ClassVar[str] = "message"
    data: bytes = b""


class RefreshPush(_Push, frozen=True):
    """The connection expires in `ttl` seconds from now."""

    key: ClassVar[str] = "refresh"
    expires: bool = False
    ttl: int = 0


class DisconnectPush(_Push, frozen=True):
    """The end of a connection whose transport has no close of its own. The reason is never empty."""

    key: ClassVar[str] = "disconnect"
    code: int
    reason: str


Push: TypeAlias = SubscribePush | UnsubscribePush | Join | Leave | MessagePush | RefreshPush | DisconnectPush
