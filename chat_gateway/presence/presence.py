"""Presence of people, as the engine and its clients ask for it: a room's presence is its members who are online.

It is one part of an instance: it counts sockets, exchanges rolls with the other instances and tells those who look at
a room. Where it is not known who is online, nobody is called offline.
"""

import asyncio
from collections.abc import Callable, Sequence
from heapq import nsmallest
from typing import NoReturn, Protocol

import msgspec
import structlog
from typing_extensions import override

from chat_gateway.core import errors
from chat_gateway.core.ids import RoomId, UserId, live_channel, looked_at, room_of
from chat_gateway.core.live import Ephemeral
from chat_gateway.core.online import Here, Online
from chat_gateway.core.ports import Memberships
from chat_gateway.presence.activity import Activity
from chat_gateway.presence.exchange import CHANNEL, Exchange, Rolls, Times
from chat_gateway.presence.rooms import LiveRooms
from chat_gateway.protocol.frames import ClientInfo
from chat_gateway.realtime.ports import Bus, Presence, Present, User
from chat_gateway.realtime.publication import Batch, Publication
from shared.errors import Unavailable

MAX_SHOWN = 500

_log = structlog.get_logger(__name__)


class Link(Bus, Protocol):
    @property
    def healthy(self) -> bool: ...


class UserPresence(Presence):
    """`instance` is another one at each start. `run` belongs to the caller's TaskGroup, after `carried_by`."""

    def __init__(
        self,
        memberships: Memberships,
        rolls: Rolls,
        *,
        instance: str,
        monotonic: Callable[[], float],
        times: Times = Times(),  # noqa: B008 -- immutable
    ) -> None:
        self._instance, self._monotonic, self._times = instance, monotonic, times
        self._bus: Link | None = None
        self._deliver: Callable[[Batch], None] = lambda _batch: None
        self._here = Here(times.grace)
        self._online = Online()
        self._rooms = LiveRooms(memberships, deliver=self._to_listeners, monotonic=monotonic)
        self._exchange = Exchange(
            rolls,
            self._here,
            self._online,
            instance=instance,
            publish=self._publish,
            on_known=self._on_known,
            monotonic=monotonic,
            times=times,
        )
        self.activity = Activity(memberships, members_here=self._rooms.cached, send=self._send, monotonic=monotonic)
        self.passed = self._rooms.passed
        self.renamed = self._rooms.renamed

    def carried_by(self, bus: Link, deliver: Callable[[Batch], None]) -> None:
        """Exchange by this bus; `deliver` gives ephemerals to the instance's own listeners."""
        self._bus, self._deliver = bus, deliver
        bus.subscribe(CHANNEL)

    def received(self, batch: Batch) -> None:
        """Take ephemerals that came by the bus."""
        if batch.channel == CHANNEL:
            self._exchange.received(batch)
        elif any(publication.id != self._instance for publication in batch.publications):
            self._rooms.received(batch)  # our own were taken when they were sent

    def confirmed(self, channels: Sequence[str]) -> None:
        if CHANNEL in channels:
            self._exchange.confirmed()

    @override
    def connected(self, client: ClientInfo) -> None:
        user = UserId(client.user)
        if self._here.connected(user):
            self._online.add(user)
            self._exchange.changed(user)

    @override
    def disconnected(self, client: ClientInfo) -> None:
        self._here.disconnected(UserId(client.user), self._monotonic())

    @override
    def joined(self, channel: str, client: ClientInfo) -> None:
        room = looked_at(channel)
        if room is not None:
            self._rooms.joined(room)

    @override
    def left(self, channel: str, client: ClientInfo) -> None:
        room = looked_at(channel)
        if room is not None:
            self._rooms.left(room)

    @override
    async def of(self, user: User, channel: str) -> Present:
        room = room_of(channel) or looked_at(channel)
        members = await self._rooms.members(room) if room else ()
        if user.id not in members:
            raise errors.room_not_found()
        if not self._exchange.is_known:
            raise Unavailable("unavailable", "Nobody knows now who is online; try again.", retry_after=1)
        there = [member for member in members if member in self._online]
        shown: dict[str, ClientInfo] = {one: ClientInfo(one, one) for one in nsmallest(MAX_SHOWN, there)}
        return Present(clients=shown, num_clients=len(there), num_users=len(there))

    async def run(self) -> None:
        """Keep time, exchange and load until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._exchange.run())
            tasks.create_task(self._rooms.run())
            try:
                await self._keep_time()
            finally:
                self._exchange.close()
                self._rooms.close()

    def tick(self) -> None:
        """Do what is due."""
        self._exchange.link(is_up=self._bus is not None and self._bus.healthy)
        for user in self._here.expire(self._monotonic()):
            self._online.remove(user)
            self._exchange.changed(user)
        flipped = self._online.take_flipped()
        if flipped and self._exchange.is_known:
            self._rooms.flipped(flipped)
        self._rooms.tick()
        self.activity.tick()

    async def leave(self) -> None:
        """Say that this instance ends; never raises."""
        try:
            await self._exchange.leave()
        except Unavailable:
            _log.info("presence.left_unsaid")  # the roll runs out all the same

    async def _keep_time(self) -> NoReturn:
        while True:
            self.tick()
            await asyncio.sleep(self._times.step)

    def _on_known(self, is_known: bool) -> None:  # noqa: FBT001 - a callback's only word
        self._rooms.know(self._online if is_known else None)

    def _to_listeners(self, batch: Batch) -> None:
        self._deliver(batch)

    def _publish(self, batch: Batch) -> None:
        if self._bus is not None:
            self._bus.publish(batch)

    def _send(self, room: RoomId, told: Ephemeral) -> None:
        data = msgspec.json.encode(told)
        batch = Batch(live_channel(room), "", (Publication(0, 0, self._instance, "", data),))
        self._rooms.received(batch)
        self._publish(batch)
