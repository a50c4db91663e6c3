"""How instances tell each other who is online: each keeps its roll in Redis and sends its changes to the others.

Whoever misses a change sees it by its number and reads the roll again. Everything is read after each new link, so that
what was lost while there was none is made good; from then on it is known who is online, until the link is gone.
"""

import asyncio
from collections.abc import Callable, Collection
from typing import NamedTuple, Protocol

import msgspec
import structlog
from prometheus_client import Gauge

from chat_gateway.core.ids import UserId
from chat_gateway.core.online import Here, Online, Roll
from chat_gateway.realtime.publication import Batch, Publication

CHANNEL = "presence"
"""The bus channel of the changes."""

KNOWN = Gauge("parley_presence_known", "1 while it is known who is online on all instances.")

_log = structlog.get_logger(__name__)


class Rolls(Protocol):
    """What is kept where all instances can read it. Methods raise Unavailable."""

    async def write(self, instance: str, seq: int, users: Collection[UserId]) -> None: ...

    async def change(self, instance: str, seq: int, on: Collection[UserId], off: Collection[UserId]) -> bool: ...

    async def read(self, instance: str) -> Roll | None: ...

    async def read_all(self) -> dict[str, Roll]: ...

    async def leave(self, instance: str, seconds: float) -> None: ...


class Times(NamedTuple):
    """In seconds: how often a roll is written whole and when it runs out; the least time between two changes told.

    `grace`: how long after their last socket somebody is still online. `step`: how often is looked what is to be done.
    """

    refresh: float = 25.0
    ttl: float = 60.0
    batch: float = 1.0
    grace: float = 15.0
    step: float = 0.25


class _News(msgspec.Struct):
    """What was changed, and how long the roll counts from now on."""

    seq: int
    ttl: float
    on: list[UserId] = []
    off: list[UserId] = []


class Exchange:
    """`instance` is another one at each start. `on_known` hears whenever it becomes known or unknown who is online."""

    def __init__(
        self,
        rolls: Rolls,
        here: Here,
        online: Online,
        *,
        instance: str,
        publish: Callable[[Batch], None],
        on_known: Callable[[bool], None],
        monotonic: Callable[[], float],
        times: Times = Times(),  # noqa: B008 -- immutable
    ) -> None:
        self._rolls, self._here, self._online = rolls, here, online
        self._instance, self._publish, self._on_known = instance, publish, on_known
        self._monotonic, self._times = monotonic, times
        self._seq = 0
        self._untold: set[UserId] = set()
        self._incomplete = True
        self._refresh_at = self._batch_at = float("-inf")
        self._is_up = self._is_known = self._unread = self._left = self._complained = self._closing = False
        self._doubtful: set[str] = set()
        self._one_at_a_time = asyncio.Lock()

    @property
    def is_known(self) -> bool:
        return self._is_known

    def changed(self, user: UserId) -> None:
        """Tell the others of this user with the next change."""
        self._untold.add(user)

    def link(self, *, is_up: bool) -> None:
        """Hear how the link is; nothing is known without one."""
        self._is_up = is_up
        if not is_up:
            self._know(False)

    def confirmed(self) -> None:
        """The channel is carried from now on. What was told before may have been missed."""
        self._know(False)
        self._unread = True

    def received(self, batch: Batch) -> None:
        for publication in batch.publications:
            if publication.id == self._instance:
                continue
            try:
                news = msgspec.json.decode(publication.data, type=_News)
            except msgspec.MsgspecError:
                _log.warning("presence.unreadable", instance=publication.id)
                continue
            until = self._monotonic() + news.ttl
            if not self._online.change(publication.id, news.seq, news.on, news.off, until):
                self._doubtful.add(publication.id)

    def close(self) -> None:
        """End `run` with its next step: a driver may swallow the cancellation that was to end it."""
        self._closing = True

    async def run(self) -> None:
        while not self._closing:
            try:
                await self.step()
            except Exception as error:  # noqa: BLE001 -- the boundary: whatever it is, the next step tries again
                if not self._complained:
                    _log.warning("presence.not_exchanged", error=repr(error.__cause__ or error))
                self._complained = True
            else:
                self._complained = False
            await asyncio.sleep(self._times.step)

    async def step(self) -> None:
        """Read what is in doubt and tell what is untold, if it is time. Raises Unavailable; the next step goes on."""
        async with self._one_at_a_time:
            if self._is_up and not self._left:
                await self._step()

    async def _step(self) -> None:
        if self._unread:
            await self._read_all()
        self._doubtful.update(self._online.overdue(self._monotonic()))
        while self._doubtful:
            await self._read(next(iter(self._doubtful)))
        now = self._monotonic()
        if now >= self._refresh_at or (now >= self._batch_at and (self._incomplete or self._untold)):
            await self._tell(now)

    async def leave(self) -> None:
        """Say that this instance ends: its people stay online for the grace, in which they appear elsewhere."""
        self._left = True
        async with self._one_at_a_time:  # a write under way would renew the roll
            if self._is_up:
                await self._rolls.leave(self._instance, self._times.grace)
                self._seq += 1
                self._send(_News(self._seq, self._times.grace))

    async def _read_all(self) -> None:
        self._unread = False
        try:
            rolls = await self._rolls.read_all()
        except BaseException:
            self._unread = True
            raise
        now = self._monotonic()
        for instance, roll in rolls.items():
            if instance != self._instance:
                self._online.put(instance, roll, now)
        # Redis may have lost them all: whoever is there writes theirs again when their own link is back.
        self._online.keep(rolls, now + self._times.grace)
        if self._is_up and not self._unread:
            self._know(True)

    async def _read(self, instance: str) -> None:
        roll = await self._rolls.read(instance)
        self._doubtful.discard(instance)
        if roll is None:
            self._online.drop(instance)
        else:
            self._online.put(instance, roll, self._monotonic())

    async def _tell(self, now: float) -> None:
        users, self._untold = self._untold, set()
        on, off = users & self._here.users, users - self._here.users
        self._seq += 1
        self._batch_at = now + self._times.batch
        try:
            if self._incomplete or now >= self._refresh_at:
                await self._rolls.write(self._instance, self._seq, list(self._here.users))
                self._refresh_at = now + self._times.refresh
                self._incomplete = False
            elif not await self._rolls.change(self._instance, self._seq, on, off):
                self._incomplete = True  # Redis was emptied
                self._untold |= users
                return
        except BaseException:
            self._incomplete = True
            self._untold |= users
            raise
        self._send(_News(self._seq, self._times.ttl, list(on), list(off)))

    def _send(self, news: _News) -> None:
        data = msgspec.json.encode(news)
        self._publish(Batch(CHANNEL, "", (Publication(0, 0, self._instance, "", data),)))

    def _know(self, is_known: bool) -> None:  # noqa: FBT001 - a setter
        if self._is_known != is_known:
            self._is_known = is_known
            KNOWN.set(int(is_known))
            self._on_known(is_known)
