"""One life of the link to Redis: a connection that hears, one that speaks, and a canary through both.

The link ends with an exception at the first sign of trouble and is not mended: its owner makes a new one, and asks for
everything again. A half-open connection raises nothing by itself; the canary is what notices it.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, NamedTuple, NoReturn, Protocol

from redis.asyncio import ConnectionPool
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import RedisError

from chat_gateway.bus.outgoing import Message, Outgoing, give_up
from chat_gateway.bus.subscriptions import Subscriptions
from shared.events import DOORBELL

PREFIX = "parley:"
INBOX = f"{PREFIX}node:"
"""And an instance's name: the channel of what is for that instance alone."""

_ROUND_BYTES = 1024 * 1024
_ROUND_CHANNELS = 500


class LinkLost(Exception):
    """The link is to be given up: nothing came back through it, or its owner asked."""


ERRORS = (LinkLost, RedisError, OSError, TimeoutError)
"""What a link ends with when the world is to blame and not the code."""


class Pace(NamedTuple):
    """How often the canary sings, how long its silence is borne, how long a connect may take; in seconds."""

    beat_seconds: float = 1.0
    silence_seconds: float = 3.0
    connect_seconds: float = 2.0


class Listener(Protocol):
    """Whom a link tells what it hears; called from the event loop, never concurrently."""

    def alive(self) -> None:
        """The canary was heard."""

    def carried(self, channel: str, data: bytes) -> None: ...

    def confirmed(self, channels: Sequence[str]) -> None: ...

    def rung(self) -> None: ...

    def forwarded(self, message: bytes) -> None:
        """Another instance sent this to us alone."""


@asynccontextmanager
async def connections(url: str, pace: Pace) -> AsyncIterator[tuple[AbstractConnection, AbstractConnection]]:
    """Open the connection that hears and the one that speaks. Raises one of ERRORS."""
    # RESP2: subscription messages are plain arrays there, and no server can push anything else.
    pool = ConnectionPool.from_url(url, protocol=2, socket_timeout=None, socket_connect_timeout=pace.connect_seconds)
    pair: tuple[AbstractConnection, AbstractConnection] = (pool.make_connection(), pool.make_connection())  # type: ignore[no-untyped-call]
    try:
        async with asyncio.timeout(pace.connect_seconds):
            for connection in pair:
                await connection.connect()  # type: ignore[no-untyped-call]
        yield pair
    finally:
        for connection in pair:
            await connection.disconnect(nowait=True)


class RedisLink:
    def __init__(
        self,
        hearing: AbstractConnection,
        speaking: AbstractConnection,
        *,
        listener: Listener,
        subscriptions: Subscriptions,
        outgoing: Outgoing,
        instance: str,
        pace: Pace,
        now: Callable[[], float],
    ) -> None:
        self._hearing, self._speaking = hearing, speaking
        self._listener, self._subscriptions, self._outgoing = listener, subscriptions, outgoing
        self._canary_channel = f"{PREFIX}canary:{instance}"
        self._inbox = INBOX + instance
        # Only this life's own song counts: neither a late one of the link before nor another instance of our name.
        self._nonce = secrets.token_hex(8)
        self._pace, self._now = pace, now
        self._heard_at = now()
        self._confirmed: list[str] = []
        self._given_up = asyncio.Event()

    def give_up(self) -> None:
        """End the link soon; from now on nothing that comes through it is passed on."""
        self._given_up.set()

    async def live(self) -> NoReturn:
        """Carry messages until something fails; raises an ExceptionGroup. Cancelling ends it at once."""
        await self._hear_what_is_always_heard()
        async with asyncio.TaskGroup() as tasks:
            for part in (self._hear, self._speak, self._ask, self._sing, self._wait_for_end):
                tasks.create_task(part())
        raise AssertionError("No part of a link ends without an exception.")

    async def _hear_what_is_always_heard(self) -> None:
        # Confirmed before the first song, or the first one would be missed and the link be up a beat later.
        commands = [("SUBSCRIBE", DOORBELL), ("SSUBSCRIBE", self._canary_channel), ("SSUBSCRIBE", self._inbox)]
        async with asyncio.timeout(self._pace.connect_seconds):
            await self._hearing.send_packed_command(self._hearing.pack_commands(commands))
            for _ in commands:
                await self._hearing.read_response(disable_decoding=True)

    async def _hear(self) -> NoReturn:
        while True:
            # Returns without suspending while bytes are at hand: at most one read buffer's worth, then others run.
            reply = await self._hearing.read_response(disable_decoding=True)
            if not self._given_up.is_set():
                self._heard(*reply)

    def _heard(self, kind: bytes, name: bytes, data: Any) -> None:  # noqa: ANN401 -- bytes, or a count
        channel = name.decode(errors="replace")
        match kind:
            case b"smessage" if channel == self._canary_channel:
                self._heard_canary(data)
            case b"smessage" if channel == self._inbox:
                self._listener.forwarded(data)
            case b"smessage":
                self._listener.carried(channel.removeprefix(PREFIX), data)
            case b"ssubscribe":
                self._heard_confirmation(channel.removeprefix(PREFIX))
            case b"sunsubscribe":
                self._subscriptions.lost(channel.removeprefix(PREFIX))
            case b"message":
                self._listener.rung()
            case _:
                pass

    def _heard_canary(self, data: bytes) -> None:
        nonce, _, sung_at = data.decode(errors="replace").partition(" ")
        if nonce == self._nonce:
            self._heard_at = float(sung_at)
            self._listener.alive()

    def _heard_confirmation(self, channel: str) -> None:
        if not self._confirmed:
            # Runs once the replies at hand are read, so that a reconnect confirms by the hundred.
            asyncio.get_running_loop().call_soon(self._confirm)
        self._confirmed.append(channel)

    def _confirm(self) -> None:
        channels = [channel for channel in self._confirmed if channel in self._subscriptions]
        self._confirmed = []
        if channels and not self._given_up.is_set():
            self._listener.confirmed(channels)

    async def _speak(self) -> NoReturn:
        while True:
            messages = await self._outgoing.take(_ROUND_BYTES)
            commands = [("SPUBLISH", message.channel, message.data) for message in messages]
            try:
                await self._speaking.send_packed_command(self._speaking.pack_commands(commands))
                for message in messages:
                    hearers = await self._speaking.read_response()
                    if message.heard_by is not None and not message.heard_by.done():
                        message.heard_by.set_result(hearers)
            finally:
                for message in messages:
                    give_up(message)  # nothing where the answer came

    async def _ask(self) -> NoReturn:
        while True:
            changes = await self._subscriptions.changes(_ROUND_CHANNELS)
            # One command a channel: a cluster takes only channels of one slot together.
            commands = [("SSUBSCRIBE", PREFIX + channel) for channel in changes.wanted]
            commands += [("SUNSUBSCRIBE", PREFIX + channel) for channel in changes.unwanted]
            await self._hearing.send_packed_command(self._hearing.pack_commands(commands))

    async def _sing(self) -> NoReturn:
        while True:
            song = f"{self._nonce} {self._now()}".encode()
            self._outgoing.put_first(Message(self._canary_channel, song))
            await asyncio.sleep(self._pace.beat_seconds)
            # Counted from when it was sung: a link that is three seconds late is down as well.
            if self._now() - self._heard_at > self._pace.silence_seconds:
                raise LinkLost("the canary was not heard")

    async def _wait_for_end(self) -> NoReturn:
        await self._given_up.wait()
        raise LinkLost("given up")
