"""The engine of one instance: its sessions, and the parts they share. It knows channels, not chat.

Start order: `run` first (it owns every task), then links may be accepted. Stop order: `drain`, then cancel `run`.
"""

import asyncio
import random
from collections.abc import Callable, Coroutine, Iterable
from typing import Any

from msgspec.structs import replace

from chat_gateway.protocol import codes
from chat_gateway.realtime.commands import ProtocolCommands
from chat_gateway.realtime.half_open import HalfOpen
from chat_gateway.realtime.heartbeat import Heartbeat
from chat_gateway.realtime.hub import Hub
from chat_gateway.realtime.limits import Limits
from chat_gateway.realtime.link import Link
from chat_gateway.realtime.load import Load
from chat_gateway.realtime.outbox import Flusher, OutboxLimits
from chat_gateway.realtime.ports import Application, Bus, ChannelLog, Presence
from chat_gateway.realtime.presence import NoPresence
from chat_gateway.realtime.publication import Batch
from chat_gateway.realtime.recovery import Recoveries
from chat_gateway.realtime.repair import AfterStall, Repairer, RepairTimes
from chat_gateway.realtime.session import Session
from chat_gateway.realtime.subscriptions import Subscriber
from chat_gateway.realtime.tails import Tails
from chat_gateway.realtime.unsubscriptions import Unsubscriber
from chat_gateway.realtime.wheel import Wheel


class Engine:
    """`instance` names this process to clients and operators; `now` and `monotonic` are the only clocks."""

    def __init__(
        self,
        *,
        application: Application,
        log: ChannelLog,
        instance: str,
        version: str,
        now: Callable[[], float],
        monotonic: Callable[[], float],
        presence: Presence | None = None,
        tails: Tails | None = None,
        after_stall: AfterStall | None = None,
        limits: Limits | None = None,
        outbox_limits: OutboxLimits | None = None,
        repair_times: RepairTimes | None = None,
    ) -> None:
        self.application = application
        self.instance = instance
        self.version = version
        self.now = now
        self.monotonic = monotonic
        self.presence = presence or NoPresence()
        self.random: Callable[[], float] = random.SystemRandom().random
        self._origin = f"{random.SystemRandom().getrandbits(64):016x}"  # an instance's name may be given twice
        self.limits = limits or Limits()
        self.wheel = Wheel(monotonic)
        self.flusher = Flusher(outbox_limits or OutboxLimits())
        self.load = Load(self.limits, monotonic=monotonic, random=self.random, sockets=lambda: len(self.sessions))
        self.half_open = HalfOpen(per_address=self.limits.half_open_per_address, in_all=self.limits.half_open_sockets)
        self.hub = Hub(application, self._origin, tails)
        self.repairer = Repairer(self.hub, log, monotonic, repair_times, after_stall)
        self.recoveries = Recoveries(
            each_bytes=self.limits.recovery_bytes, instance_bytes=self.limits.instance_recovery_bytes
        )
        self.heartbeat = Heartbeat(self)
        self.unsubscriber = Unsubscriber(self)
        self.subscriber = Subscriber(self)
        self.commands = ProtocolCommands(self)
        self.sessions: dict[Session, None] = {}
        self._bus: Bus | None = None
        self._tasks: asyncio.TaskGroup | None = None

    def carried_by(self, bus: Bus) -> None:
        self._bus = bus
        self.hub.carried_by(bus)

    def committed(self, batch: Batch) -> None:
        """Relay what has just been committed: to our own listeners at once, then to the bus. Never blocks."""
        self.hub.received(batch)
        if self._bus is not None:
            self._bus.publish(batch)

    def announce(self, batch: Batch) -> None:
        """Pass ephemerals to whoever listens now, our own listeners at once, then those of other instances.

        Never blocks. The bus may lose them, and nobody will notice.
        """
        marked = [replace(publication, offset=0, id=self._origin) for publication in batch.publications]
        self.hub.announced(Batch(batch.channel, "", tuple(marked)))
        if self._bus is not None:
            for publication in marked:  # offsets of one bus message rise
                self._bus.publish(Batch(batch.channel, "", (publication,)))

    def accept(self, link: Link) -> Session:
        session = Session(link, self)
        self.sessions[session] = None
        return session

    def left(self, session: Session) -> None:
        self.sessions.pop(session, None)
        self.half_open.leave(session)
        self.recoveries.written(session)
        self.unsubscriber.leave(session)

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        if self._tasks is None:
            work.close()
            raise RuntimeError("the engine is not running")
        self._tasks.create_task(work)

    async def run(self) -> None:
        """Keep time, mend holes and carry the sessions' work, until cancelled."""
        try:
            async with asyncio.TaskGroup() as tasks:
                self._tasks = tasks
                tasks.create_task(self.wheel.run())
                tasks.create_task(self.load.run())
                tasks.create_task(self.repairer.run())
        finally:
            self._tasks = None

    def end_sessions(self, ended: frozenset[str]) -> None:
        """Close the connections of sessions that auth has ended; their tokens are good no more."""
        self._close(self._of(lambda session: session.user is not None and session.user.session in ended))

    def end_key(self, key_id: str) -> None:
        """Have the clients fetch a new token whose present one was signed by a key that auth has withdrawn."""
        mine = self._of(lambda session: session.user is not None and session.user.key_id == key_id)
        self._close(mine, codes.STATE_INVALIDATED)

    async def drain(self) -> None:
        """Send every client to another instance, spread over the limit's seconds, and wait until all are told."""
        sessions = list(self.sessions)
        pause = self.limits.spread_seconds / max(len(sessions), 1)
        for number, session in enumerate(sessions):
            await asyncio.sleep(pause if number else 0)  # none after the last: a single client delays nobody's end
            session.close(codes.SHUTDOWN)
        self._close(list(self.sessions), codes.SHUTDOWN)

    def _of(self, wanted: Callable[[Session], bool]) -> list[Session]:
        return [session for session in self.sessions if wanted(session)]

    def _close(self, sessions: Iterable[Session], why: codes.Disconnect = codes.FORCE_DISCONNECT) -> None:
        for session in sessions:
            session.close(why)
