"""The relay between gateways over Redis or Valkey: sharded pub/sub for logs, a plain channel for the doorbell.

At most once and in any order: what is lost shows in the offsets. Nobody ever waits for Redis. A link that fails is
replaced, all its channels are asked for again, and the receiver hears so, because it may have missed something.
"""

import asyncio
from collections.abc import Sequence

import structlog
from prometheus_client import Counter, Gauge
from typing_extensions import override

from chat_gateway.bus import redis_link, wire
from chat_gateway.bus.outgoing import Message, Outgoing
from chat_gateway.bus.redis_link import INBOX, PREFIX, Listener, Pace, RedisLink
from chat_gateway.bus.subscriptions import Subscriptions
from chat_gateway.realtime.ports import Bus, BusReceiver
from chat_gateway.realtime.publication import Batch
from shared.errors import Unavailable

LINK_UP = Gauge("parley_redis_link_up", "1 while the canary is heard through Redis.")
UNREADABLE = Counter("parley_bus_unreadable", "Bus messages that could not be read.", ["reason"])

QUEUE_BYTES = 8 * 1024 * 1024
FORWARD_SECONDS = 2.0
FORWARD_BYTES = QUEUE_BYTES // 4  # what waits at once: strangers may cause it, and batches must not be crowded out

_log = structlog.get_logger(__name__)


class RedisBus(Bus, Listener):
    """`run` belongs to the caller's TaskGroup. Before it runs, wishes are kept, and messages within the bound."""

    def __init__(
        self,
        url: str,
        *,
        receiver: BusReceiver,
        instance: str,
        pace: Pace = Pace(),  # noqa: B008 -- immutable
        back_off_seconds: tuple[float, float] = (0.1, 2.0),
        queue_bytes: int = QUEUE_BYTES,
    ) -> None:
        self._url, self._receiver, self._instance = url, receiver, instance
        self._pace, self._back_off_seconds = pace, back_off_seconds
        self._outgoing = Outgoing(queue_bytes)
        self._subscriptions = Subscriptions()
        self._link: RedisLink | None = None
        self._work: asyncio.Task[None] | None = None
        self._stopped = asyncio.Event()
        self._forwarding = 0
        self._healthy = False
        self._closing = False
        self._complained = False
        self._unreadable_logged = False

    @property
    def healthy(self) -> bool:
        return self._healthy

    @override
    def publish(self, batch: Batch) -> None:
        for data in wire.encode(batch):
            self._outgoing.put(Message(PREFIX + batch.channel, data))

    @override
    def subscribe(self, channel: str) -> None:
        self._subscriptions.add(channel)

    @override
    def unsubscribe(self, channel: str) -> None:
        self._subscriptions.discard(channel)

    @override
    async def forward(self, node: str, message: bytes) -> bool:
        if self._healthy and self._forwarding + len(message) <= FORWARD_BYTES:
            heard_by = asyncio.get_running_loop().create_future()
            self._forwarding += len(message)
            try:
                self._outgoing.put(Message(INBOX + node, message, heard_by))
                await asyncio.wait([heard_by], timeout=FORWARD_SECONDS)
            finally:
                self._forwarding -= len(message)
                heard_by.cancel()  # nothing where the answer came
            if not heard_by.cancelled():
                return bool(heard_by.result())
        raise Unavailable("unavailable", "Instances cannot reach each other now; try again.", retry_after=1)

    async def flush(self, seconds: float = 1.0) -> None:
        """Wait until what is queued now is with Redis: before an end, at most so long. Never raises."""
        if self._healthy:
            heard_by = asyncio.get_running_loop().create_future()
            self._outgoing.put(Message(f"{PREFIX}nobody", b"", heard_by))  # sent behind everything else
            await asyncio.wait([heard_by], timeout=seconds)
            heard_by.cancel()

    def discard(self) -> None:
        """Throw away what is queued in both directions, and start a new link: for a process that stood still.

        Everything wanted is confirmed again, so its holes are found.
        """
        self._outgoing.clear()
        if self._link is not None:
            self._link.give_up()

    async def run(self) -> None:
        """Keep a link until `close` or cancellation; raises nothing else."""
        try:
            async with asyncio.TaskGroup() as tasks:
                self._work = tasks.create_task(self._keep_link())
                try:
                    await asyncio.wait([self._work])
                finally:
                    self._closing = True
        finally:
            self._stopped.set()

    async def close(self) -> None:
        """End `run` and wait until its connections are gone. What is still queued is dropped."""
        if self._work is not None:
            self._closing = True
            self._work.cancel()
            await self._stopped.wait()

    @override
    def alive(self) -> None:
        if self._healthy:
            return
        self._set_healthy(True)
        if self._complained:
            _log.info("bus.link_up")
        self._complained = False
        # The doorbell may have rung while nobody listened.
        self.rung()

    @override
    def carried(self, channel: str, data: bytes) -> None:
        if channel not in self._subscriptions:
            return
        try:
            batch = wire.decode(data)
        except (wire.UnknownVersion, wire.Malformed) as error:
            self._cannot_read(channel, error)
            return
        if batch.channel != channel:
            self._cannot_read(channel, wire.Malformed("The message came through a foreign channel."))
            return
        self._receiver.received(batch)

    @override
    def confirmed(self, channels: Sequence[str]) -> None:
        self._receiver.confirmed(channels)

    @override
    def rung(self) -> None:
        self._receiver.rung()

    @override
    def forwarded(self, message: bytes) -> None:
        self._receiver.forwarded(message)

    async def _keep_link(self) -> None:
        first, longest = self._back_off_seconds
        pause = first
        down_since = self._now()
        try:
            # Python 3.11 loses a cancellation that meets a failing TaskGroup, so the link may swallow it.
            while not self._closing:
                born_at = self._now()
                error = await self._one_life()
                ended_at = self._now()
                if self._healthy:
                    down_since = ended_at
                if ended_at - born_at > longest:
                    pause = first
                self._set_healthy(False)
                self._complain(error)
                if ended_at - down_since > self._pace.silence_seconds:
                    self._outgoing.clear()
                await asyncio.sleep(pause)
                pause = min(pause * 2, longest)
        finally:
            self._set_healthy(False)

    async def _one_life(self) -> BaseException:
        """One link from connect to its end. Answers why it ended."""
        try:
            async with redis_link.connections(self._url, self._pace) as (hearing, speaking):
                self._subscriptions.start_over()
                self._link = RedisLink(
                    hearing,
                    speaking,
                    listener=self,
                    subscriptions=self._subscriptions,
                    outgoing=self._outgoing,
                    instance=self._instance,
                    pace=self._pace,
                    now=self._now,
                )
                await self._link.live()
        except Exception as error:  # noqa: BLE001 -- the boundary of the bus: whatever it is, a new link is the answer
            return error.exceptions[0] if isinstance(error, ExceptionGroup) else error
        finally:
            self._link = None

    def _set_healthy(self, healthy: bool) -> None:  # noqa: FBT001 -- a setter
        self._healthy = healthy
        LINK_UP.set(int(healthy))

    def _complain(self, error: BaseException) -> None:
        if not isinstance(error, redis_link.ERRORS):
            _log.error("bus.broken", exc_info=error)
        elif not self._complained:
            _log.warning("bus.link_down", error=f"{type(error).__name__}: {error}")
        self._complained = True

    def _cannot_read(self, channel: str, error: ValueError) -> None:
        UNREADABLE.labels(type(error).__name__).inc()
        if not self._unreadable_logged:
            self._unreadable_logged = True
            _log.warning("bus.unreadable", channel=channel, error=str(error))

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()
