"""The chat as the engine sees it: which channels a user has, what a publish and an rpc do, what ends a subscription.

Rooms are channels `room:<id>`, each user has one of their own, `user:<id>`, where joins and removals are told. Beside a
room's log there is `live:<id>` for what nobody keeps.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Protocol, TypeVar

import msgspec
from typing_extensions import override

from chat_gateway.actions import messages
from chat_gateway.actions.arrivals import arrive
from chat_gateway.api import verbs
from chat_gateway.api.pace import Pace
from chat_gateway.core import errors
from chat_gateway.core.chat import Chat
from chat_gateway.core.entries import Kind
from chat_gateway.core.ids import RoomId, UserId, looked_at, room_log, room_of, user_log
from chat_gateway.core.people import Person
from chat_gateway.core.rooms import Room
from chat_gateway.protocol.frames import ClientInfo, Subscribe
from chat_gateway.protocol.json_text import DATA_DEPTH, readable
from chat_gateway.publications import publication_of
from chat_gateway.realtime.ports import Application, Gained, Grant, Lost, Recovered, Scrubbed, Snapshot, User
from chat_gateway.realtime.publication import Position, Publication
from shared.errors import InvalidInput

T = TypeVar("T")

_LOG = Grant()
_SLOW = frozenset({"history.page", "thread.page", "search.messages", "receipts.get"})


class ChannelLimits(msgspec.Struct, frozen=True, kw_only=True):
    """What a recovery gives at most, and how deep a client's `data` is nested.

    `connect_recovery_entries` and the bytes are of all rooms together. A page of history is no larger than a recovery.
    """

    subscribe_recovery_entries: int = 500
    connect_recovery_entries: int = 200
    recovery_bytes: int = 128 * 1024
    data_depth: int = DATA_DEPTH


class RoomSnapshot(Protocol):
    """A user's rooms and the channels read with them, all of one moment."""

    @property
    def rooms(self) -> tuple[Room, ...]: ...
    @property
    def channels(self) -> Mapping[str, Recovered]: ...


class Snapshots(Protocol):
    async def take(
        self,
        user: UserId,
        since: Mapping[str, Position | None],
        *,
        whole: bool,
        max_entries: int,
        max_bytes: int | None,
    ) -> RoomSnapshot: ...


class _ConnectWish(msgspec.Struct):
    rooms: bool = True


class _PublishWish(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    body: str
    client_id: str | None = None
    reply_to: str | None = None
    thread: str | None = None


class _Membership(msgspec.Struct):
    room: str


class _OwnEntry(msgspec.Struct):
    content: _Membership


class _UserView(msgspec.Struct):
    id: str
    name: str
    picture: str


class _LimitsView(msgspec.Struct):
    text_characters: int
    text_bytes: int


class _Welcome(msgspec.Struct):
    user: _UserView
    rooms: tuple[Room, ...]
    limits: _LimitsView


class ChatChannels(Application):
    def __init__(
        self,
        chat: Chat,
        snapshots: Snapshots,
        verify: Callable[[str], Awaitable[User]],
        *,
        pace: Pace,
        limits: ChannelLimits | None = None,
    ) -> None:
        self._chat = chat
        self._snapshots = snapshots
        self._verify = verify
        self._pace = pace
        self._limits = limits or ChannelLimits()
        lost = {Kind.MEMBER_LEFT, Kind.MEMBER_REMOVED, Kind.MEMBER_BANNED}
        self.effective_kinds = frozenset({*lost, Kind.ROOM_JOINED, Kind.MESSAGE_DELETED})

    @override
    def effect(self, publication: Publication) -> Gained | Lost | Scrubbed | None:
        match publication.kind:
            case Kind.ROOM_JOINED:
                joined = msgspec.json.decode(publication.data, type=_OwnEntry)
                return Gained(room_log(RoomId(joined.content.room)))
            case Kind.MESSAGE_DELETED:
                return Scrubbed()
            case _:
                return Lost(publication.subject)

    @override
    async def verify(self, token: str) -> User:
        return await self._verify(token)

    @override
    def channel_of(self, user: User) -> str:
        return user_log(UserId(user.id))

    @override
    async def channels_of(self, user: User, data: bytes) -> Sequence[str] | None:
        """All rooms of the user, whose first visit is to the default room; None where `{"rooms": false}` was asked."""
        rooms = await arrive(self._chat, Person(id=UserId(user.id), name=user.name, picture=user.picture))
        return [room_log(room.id) for room in rooms] if self._decode(data, _ConnectWish).rooms else None

    @override
    def grant(self, user: User, channel: str) -> Grant:
        return _LOG

    @override
    async def admit(self, user: User, wish: Subscribe, info: ClientInfo) -> Grant:
        """Who may read a log is for the snapshot to say; a room's ephemerals are for who is on the room's channel."""
        room = looked_at(wish.channel)
        if room is None:
            return _LOG
        return Grant(has_log=False, recoverable=False, positioned=False, presence=True, within=room_log(room))

    @override
    async def snapshot(self, user: User, since: Mapping[str, Position | None], *, connect: bool) -> Snapshot:
        limits = self._limits
        taken = await self._snapshots.take(
            UserId(user.id),
            since,
            whole=connect,
            max_entries=limits.connect_recovery_entries if connect else limits.subscribe_recovery_entries,
            max_bytes=limits.recovery_bytes,
        )
        if not connect:
            return Snapshot(channels=taken.channels)
        text = _LimitsView(self._chat.limits.text_characters, self._chat.limits.text_bytes)
        welcome = _Welcome(_UserView(user.id, user.name, user.picture), taken.rooms, text)
        return Snapshot(channels=taken.channels, data=msgspec.json.encode(welcome))

    @override
    async def publish(self, user: User, channel: str, data: bytes, info: ClientInfo) -> None:
        room = room_of(channel)
        if room is None:
            raise errors.room_not_found()
        wish = self._decode(data, _PublishWish)
        request = messages.PostMessage(room=room, **msgspec.structs.asdict(wish))
        self._pace.check(UserId(user.id), "message.post", request)
        await messages.post(self._chat, UserId(user.id), request)

    @override
    async def rpc(self, user: User, method: str, data: bytes) -> bytes:
        verb = verbs.find(method)
        request = verb.decode(data or b"{}", levels=self._limits.data_depth)
        self._pace.check(UserId(user.id), method, request)
        return await verb.act(self._chat, UserId(user.id), request)

    @override
    def is_slow(self, method: str) -> bool:
        return method in _SLOW

    @override
    async def history(
        self, user: User, channel: str, *, since: Position | None, limit: int, reverse: bool
    ) -> tuple[Position, Sequence[Publication]]:
        room, most = room_of(channel), self._limits.subscribe_recovery_entries
        page = room and await self._chat.history.page(
            room,
            UserId(user.id),
            after=None if reverse else (since.offset if since else 0),
            before=since.offset if since and reverse else None,
            limit=most if limit < 0 else min(limit, most),
        )
        if not page:
            raise errors.room_not_found()
        head = Position(page.head, page.epoch)
        publications = tuple(publication_of(entry) for entry in page.entries) if limit else ()
        return head, publications[::-1] if reverse else publications

    def _decode(self, data: bytes, kind: type[T]) -> T:
        given = b"{}" if data in (b"", b"null") else data
        try:
            return msgspec.json.decode(readable(given, levels=self._limits.data_depth), type=kind)
        except msgspec.DecodeError as error:
            raise InvalidInput("invalid_request", f"{error}.") from error
