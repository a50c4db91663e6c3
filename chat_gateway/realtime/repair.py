"""Mends what the bus lost: reads holes from the log and compares heads, so that at-most-once becomes exactly-once.

A hole gets a moment to fill by itself. Heads of all channels are compared at intervals, and at once for channels whose
subscription was just confirmed. After the process was stopped for over a second (SIGSTOP, a suspended machine), input
is too old to be relayed, since it may hold what was deleted meanwhile: all is read again.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection

import msgspec
import structlog
from prometheus_client import Counter

from chat_gateway.realtime.hub import Hub
from chat_gateway.realtime.ports import ChannelLog
from shared.errors import AppError

_log = structlog.get_logger(__name__)

REPAIRED = Counter("parley_publications_repaired", "Publications read from the log because the bus lost them.")

_CHUNK = 1_000
_READERS = 4


AfterStall = Callable[[], Awaitable[None]]
"""What else has to be asked after a stall before anything is delivered again: bounded in time, and never raises."""


class RepairTimes(msgspec.Struct, frozen=True, kw_only=True):
    hole_seconds: float = 0.2
    heads_seconds: float = 3.0
    stall_seconds: float = 1.0
    retry_seconds: float = 0.5


class Repairer:
    def __init__(
        self,
        hub: Hub,
        log: ChannelLog,
        monotonic: Callable[[], float],
        times: RepairTimes | None = None,
        after_stall: AfterStall | None = None,
    ) -> None:
        self._hub = hub
        self._channel_log = log
        self._monotonic = monotonic
        self._times = times or RepairTimes()
        self._after_stall = after_stall
        self._open: set[str] = set()
        self._holes: asyncio.Queue[str] = asyncio.Queue()
        self._unchecked: set[str] = set()
        self._check_now = asyncio.Event()
        self._stall_over = asyncio.Event()
        self._last_tick = monotonic()
        hub.repaired_by(self)

    def missing(self, channel: str) -> None:
        if channel not in self._open:
            self._open.add(channel)
            asyncio.get_running_loop().call_later(self._times.hole_seconds, self._holes.put_nowait, channel)

    def check(self, channels: Collection[str]) -> None:
        self._unchecked.update(channels)
        self._check_now.set()

    def stalled(self) -> bool:
        return self._monotonic() - self._last_tick > self._times.stall_seconds

    async def rechecked(self) -> None:
        """Wait, after a stall, until all was asked that has to be; return at once where there was none."""
        while self.stalled():
            await self._stall_over.wait()

    async def run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._watch_for_stalls())
            tasks.create_task(self._compare_heads())
            for _ in range(_READERS):
                tasks.create_task(self._read_holes())

    async def _watch_for_stalls(self) -> None:
        while True:
            await asyncio.sleep(self._times.stall_seconds / 4)
            if self.stalled():
                await self._recover()
            self._last_tick = self._monotonic()
            self._stall_over.set()
            self._stall_over.clear()

    async def _recover(self) -> None:
        _log.warning("stalled", seconds=round(self._monotonic() - self._last_tick, 1))
        self._hub.discard_held()
        if self._after_stall is not None:
            await self._after_stall()  # still stalled for the hub: what comes meanwhile is dropped as well
        self.check(self._hub.positioned())

    async def _compare_heads(self) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time() + self._times.heads_seconds
        while True:
            try:
                # a moment of its own: on a busy instance single channels are checked all the time
                async with asyncio.timeout_at(due):
                    await self._check_now.wait()
            except TimeoutError:
                due = loop.time() + self._times.heads_seconds
                self._unchecked.update(self._hub.positioned())
            self._check_now.clear()
            channels, self._unchecked = list(self._unchecked), set()
            for start in range(0, len(channels), _CHUNK):
                await self._compare(channels[start : start + _CHUNK])

    async def _compare(self, channels: list[str]) -> None:
        asked_at = self._hub.reading()
        try:
            heads = await self._channel_log.heads(channels)
        except AppError as error:
            _log.warning("repair.heads_unread", error=str(error))
            return
        for channel, head in heads.items():
            self._hub.compare(channel, head, asked_at)

    async def _read_holes(self) -> None:
        while True:
            channel = await self._holes.get()
            self._open.discard(channel)
            try:
                await self._read_hole(channel)
            except AppError as error:
                _log.warning("repair.hole_unread", channel=channel, error=str(error))
                await asyncio.sleep(self._times.retry_seconds)
                self.missing(channel)

    async def _read_hole(self, channel: str) -> None:
        while (position := self._hub.position(channel)) is not None:
            epoch, publications = await self._channel_log.read(channel, after=position.offset, limit=500)
            if not self._hub.repaired(channel, publications, epoch):
                return  # a comparison of heads is on its way, which sees the hole if it is still there
            REPAIRED.inc(len(publications))
            if self._hub.position(channel) == position:
                self._hub.give_up(channel)
