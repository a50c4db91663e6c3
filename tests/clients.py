"""One instance of the engine in this process, and clients that speak the protocol's JSON to it without any socket.

Waiting is for a condition: `until` gives way to the loop until it holds.
"""

import asyncio
import json
from collections.abc import Callable
from typing import Any, Self

from typing_extensions import override

from chat_gateway.protocol.codec import Codec
from chat_gateway.protocol.json_codec import JSON
from chat_gateway.realtime.engine import Engine
from chat_gateway.realtime.limits import Limits
from chat_gateway.realtime.link import Link
from chat_gateway.realtime.outbox import OutboxLimits
from chat_gateway.realtime.ports import ChannelLog, Presence
from chat_gateway.realtime.repair import AfterStall, RepairTimes
from chat_gateway.realtime.session import Session
from tests.builders import NOW, Clock
from tests.fakes import OpenChannels

PATIENCE_SECONDS = 3.0
QUIET = RepairTimes(hole_seconds=0.001, heads_seconds=1e6, stall_seconds=1e6, retry_seconds=0.001)
"""Holes are read at once; heads are compared when something asks for it; a turned clock is no stall."""
EXPIRES_AT = int(NOW) + 600


async def until(condition: Callable[[], Any]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not condition():  # noqa: ASYNC110 - any step of the loop may bring it
            await asyncio.sleep(0)


async def idle() -> None:
    """Give way until everything that needs no clock and no gate has run."""
    for _ in range(50):
        await asyncio.sleep(0)


class RecordingLink(Link):
    """Keeps what is written. `block` makes the kernel take no more, `unblock` makes it take everything."""

    def __init__(self, codec: Codec = JSON) -> None:
        self.codec = codec
        self.address = "192.0.2.1"
        self.session = ""
        self.receiver: Session | None = None
        self.sent: list[bytes] = []
        self.unsent = b""
        self.blocked = False
        self.paused = False
        self.aborted = False
        self.closed: tuple[int, str] | None = None

    @override
    def write(self, data: bytes) -> None:
        if self.closed is not None or self.aborted:
            return
        if not self.blocked:
            self.sent.append(data)
            return
        first, self.unsent = not self.unsent, self.unsent + data
        if first and self.receiver is not None:
            self.receiver.writable(False)

    @override
    def wrap(self, payload: bytes) -> bytes:
        return payload + b"\n"

    @override
    def close(self, code: int, reason: str) -> None:
        if self.closed is None:
            self.closed = (code, reason)

    @override
    def abort(self) -> None:
        self.aborted = True

    @override
    def buffered(self) -> int:
        return len(self.unsent)

    @override
    def pause(self) -> None:
        assert not self.paused
        self.paused = True

    @override
    def resume(self) -> None:
        assert self.paused
        self.paused = False

    def block(self) -> None:
        self.blocked = True

    def unblock(self) -> None:
        self.blocked = False
        had = bool(self.unsent)
        self.take_some(len(self.unsent))
        if had and self.receiver is not None:
            self.receiver.writable(True)

    def take_some(self, count: int) -> None:
        """Let the kernel take some bytes of what was written."""
        taken, self.unsent = self.unsent[:count], self.unsent[count:]
        self.sent.append(taken)

    def messages(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in b"".join(self.sent).splitlines()]


class Client:
    """One connection. `pushes` and `replies` are read from what its link has got."""

    def __init__(self, engine: Engine, codec: Codec = JSON) -> None:
        self.engine = engine
        self.link = RecordingLink(codec)
        self.session = engine.accept(self.link)
        self.link.receiver = self.session
        self._last_id = 0

    def send(self, **command: Any) -> int:
        """Send one command, with the next id; answers the id."""
        return self.send_all(command)[0]

    def send_all(self, *commands: dict[str, Any]) -> list[int]:
        """Send several commands in one frame."""
        numbered = [{"id": self._last_id + number, **command} for number, command in enumerate(commands, 1)]
        self._last_id += len(commands)
        self.send_raw("\n".join(map(json.dumps, numbered)).encode())
        return [command["id"] for command in numbered]

    def send_raw(self, payload: bytes) -> None:
        self.session.received(payload)

    async def call(self, **command: Any) -> dict[str, Any]:
        """Send one command and wait for its reply."""
        id_ = self.send(**command)
        await until(lambda: self.answered(id_) or self.link.closed)
        return self.reply(id_)

    async def connect(self, user: str = "ann", *, token: str | None = None, **fields: Any) -> Self:
        reply = await self.call(connect={"token": token_of(user) if token is None else token, **fields})
        assert "connect" in reply
        return self

    def answered(self, id_: int) -> bool:
        return any(message.get("id") == id_ for message in self.link.messages())

    def reply(self, id_: int) -> dict[str, Any]:
        replies = [message for message in self.link.messages() if message.get("id") == id_]
        assert len(replies) == 1
        return replies[0]

    def pushes(self, kind: str, channel: str) -> list[dict[str, Any]]:
        found = [message["push"] for message in self.link.messages() if "push" in message]
        return [push[kind] for push in found if kind in push and push["channel"] == channel]

    def offsets(self, channel: str) -> list[int]:
        return [publication["offset"] for publication in self.pushes("pub", channel)]

    def pings(self) -> int:
        return self.link.messages().count({})

    def lose(self) -> None:
        """Let the network drop the connection."""
        self.session.lost()


class Instance:
    """An engine with hand-turned clocks; ask for one within `async with`, which runs it."""

    def __init__(
        self,
        application: OpenChannels,
        *,
        log: ChannelLog | None = None,
        limits: Limits | None = None,
        outbox_limits: OutboxLimits | None = None,
        repair_times: RepairTimes = QUIET,
        after_stall: AfterStall | None = None,
        presence: Presence | None = None,
    ) -> None:
        self.application = application
        self.clock = Clock()
        self.engine = Engine(
            application=application,
            log=log or application.log,
            instance="gateway-1",
            version="parley test",
            now=self.clock.now,
            monotonic=self.clock.monotonic,
            limits=limits,
            outbox_limits=outbox_limits,
            repair_times=repair_times,
            after_stall=after_stall,
            presence=presence,
        )
        self.engine.random = lambda: 0.0
        self._task: asyncio.Task[None] | None = None

    @property
    def hub(self) -> Any:
        return self.engine.hub

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self.engine.run())
        await asyncio.sleep(0)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._task is not None
        ended_by_itself = self._task.done()
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        assert not ended_by_itself, "the engine has died"

    def client(self, codec: Codec = JSON) -> Client:
        return Client(self.engine, codec)

    async def connected(self, user: str = "ann", **fields: Any) -> Client:
        return await self.client().connect(user, **fields)

    def pass_seconds(self, seconds: float) -> None:
        """Turn the clocks second by second, the wheel with them."""
        whole = int(seconds)
        for step in [1.0] * whole + [seconds - whole]:
            self.clock.pass_seconds(step)
            self.engine.wheel.turn()

    def nothing_attached(self) -> bool:
        return not self.hub.channels() and not self.hub._membership.users and not self.engine.sessions


def token_of(user: str, *, expires_at: int = EXPIRES_AT, session: str = "s1") -> str:
    return f"{user}/{expires_at}/{session}"
