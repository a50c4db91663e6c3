"""The rooms somebody on this instance looks at: their members, and what is told on their live channels.

Typing and receipts come from all instances, by the bus, and are told to our own listeners by each room's pace; presence
each instance works out for itself. A room is loaded when its first listener comes, and its members follow its log.
"""

import asyncio
from collections.abc import Callable, Collection, Container

import msgspec
import structlog

from chat_gateway.core.entries import Kind
from chat_gateway.core.ids import RoomId, UserId, live_channel, looked_at, room_of
from chat_gateway.core.live import LiveRoom, Membership, Receipts, Typing
from chat_gateway.core.people import Person
from chat_gateway.core.ports import Memberships
from chat_gateway.realtime.publication import Batch, Publication, ephemeral
from shared.errors import Unavailable

_CHANGES = {
    Kind.MEMBER_JOINED: True,
    Kind.MEMBER_LEFT: False,
    Kind.MEMBER_REMOVED: False,
    Kind.MEMBER_BANNED: False,
}
_RETRY_SECONDS = 1.0
_PATIENCE_SECONDS = 2.0

_log = structlog.get_logger(__name__)


class _View:
    def __init__(self, *, is_known: bool) -> None:
        self.room = LiveRoom(is_known=is_known)
        self.listeners = 0
        self.loaded = asyncio.Event()


class LiveRooms:
    """`deliver` gives ephemerals to our own listeners."""

    def __init__(
        self, memberships: Memberships, *, deliver: Callable[[Batch], None], monotonic: Callable[[], float]
    ) -> None:
        self._memberships, self._deliver, self._monotonic = memberships, deliver, monotonic
        self._views: dict[RoomId, _View] = {}
        self._waiting: set[RoomId] = set()
        self._unloaded: dict[RoomId, None] = {}
        self._to_load = asyncio.Event()
        self._closing = False
        self._online: Container[UserId] | None = None

    def joined(self, room: RoomId) -> None:
        """One more looks at the room."""
        view = self._views.get(room)
        if view is None:
            view = self._views[room] = _View(is_known=self._online is not None)
            self._unloaded[room] = None
            self._to_load.set()
        view.listeners += 1

    def left(self, room: RoomId) -> None:
        view = self._views[room]
        view.listeners -= 1
        if view.listeners == 0:
            del self._views[room]
            self._unloaded.pop(room, None)

    def passed(self, channel: str, publication: Publication) -> None:
        """Follow what the hub delivers, in the order of the log."""
        is_member = _CHANGES.get(publication.kind)  # type: ignore[call-overload] # any number may come
        if is_member is None:
            return
        room = room_of(channel)
        view = None if room is None else self._views.get(room)
        if room is not None and view is not None:
            view.room.passed(publication.offset, UserId(publication.subject), is_member)
            self._waiting.add(room)

    def received(self, batch: Batch) -> None:
        """Take what somebody does in a room, from any instance."""
        room = looked_at(batch.channel)
        view = None if room is None else self._views.get(room)
        if room is None or view is None:
            return
        for publication in batch.publications:
            try:
                done = msgspec.json.decode(publication.data, type=Typing | Receipts)
            except msgspec.MsgspecError:
                continue  # of a later release
            if isinstance(done, Typing):
                view.room.typed(done.users)
            else:
                view.room.read(done.markers)
        self._tell(room, view)

    def renamed(self, person: Person) -> None:
        for room, view in self._views.items():
            view.room.renamed(person)
            self._waiting.add(room)

    def know(self, online: Container[UserId] | None) -> None:
        """Hear who is online from now on; None: nobody knows any more."""
        self._online = online
        for view in self._views.values():
            if online is None:
                view.room.unknown()
        self._waiting.update(self._views)

    def flipped(self, users: Collection[UserId]) -> None:
        """These may have come online or gone."""
        for room, view in self._views.items():
            view.room.flipped(users)
            if view.room.waits:
                self._waiting.add(room)

    def tick(self) -> None:
        """Tell what waits and is due."""
        waiting, self._waiting = self._waiting, set()
        for room in waiting:
            view = self._views.get(room)
            if view is not None:
                self._tell(room, view)

    def cached(self, room: RoomId) -> Collection[UserId] | None:
        """The members of a room that somebody looks at; None for any other."""
        view = self._views.get(room)
        return None if view is None else view.room.members

    async def members(self, room: RoomId) -> Collection[UserId]:
        """All members of the room, none where there is no such room. Raises Unavailable.

        What changes behind the answer is told to those who were listening by then.
        """
        view = self._views.get(room)
        if view is None:
            membership = await self._memberships.of(room)
            return frozenset() if membership is None else membership.users
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                await view.loaded.wait()
        except TimeoutError as error:
            raise Unavailable("unavailable", "The room's members cannot be read now; try again.") from error
        return view.room.members or ()

    def close(self) -> None:
        """End `run` after the read under way: a driver may swallow the cancellation that was to end it."""
        self._closing = True
        self._to_load.set()

    async def run(self) -> None:
        """Load rooms one by one: a thousand that are opened at once must not crowd out everything else."""
        while not self._closing:
            await self._to_load.wait()
            self._to_load.clear()
            while self._unloaded and not self._closing:
                room = next(iter(self._unloaded))
                try:
                    membership = await self._memberships.of(room)
                except Exception as error:  # noqa: BLE001 -- the boundary: whatever it is, the room is read later
                    _log.warning("presence.room_unread", room=room, error=repr(error))
                    await asyncio.sleep(_RETRY_SECONDS)
                else:
                    self._load(room, membership)

    def _load(self, room: RoomId, membership: Membership | None) -> None:
        view = self._views.get(room)
        if self._unloaded.pop(room, view) is view or view is None:
            return  # everybody has gone meanwhile
        view.room.load(membership or Membership(0, frozenset()))
        view.loaded.set()
        self._waiting.add(room)

    def _tell(self, room: RoomId, view: _View) -> None:
        for told in view.room.take(self._monotonic(), self._online):
            self._deliver(ephemeral(live_channel(room), msgspec.json.encode(told)))
        if view.room.waits:
            self._waiting.add(room)
