"""A few clients of one engine, of either encoding, and all that can happen to them: one method each.

A step that is impossible now does nothing. What must never happen is asserted where it would be seen.
"""

import asyncio
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import centrifuge.protocol.client_pb2 as schema
import structlog

from chat_gateway.protocol.frames import Command, Connect, Pong, Request, Send
from chat_gateway.protocol.json_codec import JSON
from chat_gateway.protocol.protobuf_codec import PROTOBUF
from chat_gateway.realtime.buckets import Rate
from chat_gateway.realtime.limits import Limits
from chat_gateway.realtime.outbox import OutboxLimits
from chat_gateway.realtime.ports import Grant
from chat_gateway.realtime.session import State
from shared.errors import Unavailable
from tests.builders import NOW
from tests.clients import EXPIRES_AT, Instance, idle
from tests.fakes import Gate, MemoryLog, OpenChannels
from tests.memory_presence import MemoryPresence
from tests.unit.chat_gateway.protocol import sdk
from tests.unit.chat_gateway.realtime.story_peer import Peer

TIGHT = Limits(
    commands=Rate(600, burst=6),
    in_flight=3,
    slow_in_flight=1,
    channels=4,
    sockets_per_user=2,
    connects_in_progress=2,
    half_open_per_address=1,
    faults_per_minute=2,
    recovery_bytes=100,
    instance_recovery_bytes=150,
    spread_seconds=3,
)
GRANTS = {
    "open": Grant(presence=True, join_leave=True),
    "live": Grant(has_log=False, recoverable=False, positioned=False, presence=True, within="room:r"),
}
LIFE_SECONDS = EXPIRES_AT - NOW + 100
"""In which every timer of a session that has ended comes and finds it ended."""

OUTBOXES = OutboxLimits(per_connection_bytes=2_000, instance_bytes=3_000)


class Injected(Exception):
    """A bug of the application."""


class Story:
    def __init__(self, instance: Instance, presence: MemoryPresence) -> None:
        self.instance = instance
        self.application = instance.application
        self.presence = presence
        self.peers: list[Peer] = []
        self.gates: list[Gate] = []
        self._last_id = 0

    def accept(self, *, protobuf: bool) -> None:
        if len(self.peers) < 6:
            self.peers.append(Peer(self.instance, PROTOBUF if protobuf else JSON))

    def say(self, number: int, requests: Sequence[Request | None]) -> None:
        """Send these; nobody begins with anything but a connect here, which would end most stories early."""
        peer = self._peer(number)
        if peer is None or not peer.is_heard:
            return
        if isinstance(requests[0], Connect) == (peer.session.state is State.NEW):
            peer.hear(self._encoded(peer, requests))

    def damage(self, number: int, requests: Sequence[Request | None], at: int, piece: bytes) -> None:
        """Send these with a piece of it overwritten."""
        peer = self._peer(number)
        if peer is not None and peer.is_heard:
            payload = bytearray(self._encoded(peer, requests))
            at %= len(payload) + 1
            payload[at : at + len(piece)] = piece
            peer.hear(bytes(payload))

    def noise(self, number: int, payload: bytes) -> None:
        peer = self._peer(number)
        if peer is not None and peer.is_heard:
            peer.hear(payload)

    def jam(self, number: int) -> None:
        peer = self._peer(number)
        if peer is not None and not peer.is_lost and not peer.link.is_over:
            peer.link.block()

    def relieve(self, number: int) -> None:
        peer = self._peer(number)
        if peer is not None and not peer.is_lost and not peer.link.is_over:
            peer.link.unblock()

    def lose(self, number: int) -> None:
        peer = self._peer(number)
        if peer is not None and not peer.is_lost:
            peer.is_lost = True
            peer.link.aborted = True
            peer.session.lost()

    def wait(self, seconds: float) -> None:
        self.instance.pass_seconds(seconds)

    def live(self, seconds: int) -> None:
        """Let the time pass with clients that answer their pings."""
        for _ in range(seconds):
            self.instance.pass_seconds(1)
            for peer in self.peers:
                if peer.session.awaiting_pong and peer.is_heard:
                    peer.hear(peer.link.codec.frame([b"\0" if peer.link.codec.binary else b"{}"]))

    def post(self, channel: str) -> None:
        self.application.post(channel, b'{"text":"%b"}' % (b"x" * 300))

    def move(self, user: str, room: str) -> None:
        """Let the user into the room, or remove them."""
        if user in self.application.members[room]:
            self.application.remove(user, room)
        else:
            self.application.join(user, room)

    def restore(self, epoch: str) -> None:
        self.application.log.restore(epoch)
        self.instance.engine.repairer.check(self.instance.hub.channels())

    def hold(self, name: str) -> None:
        self.gates.append(self.application.gate(name))

    def release(self) -> None:
        for gate in self.gates:
            gate.open()
        self.gates.clear()
        self.application.gates.clear()

    def fail(self, name: str, *, is_bug: bool) -> None:
        error = Unavailable("store_unavailable", "Try again.")
        self.application.failures[name] = Injected() if is_bug else error

    def revoke(self, session: str) -> None:
        self.instance.engine.end_sessions(frozenset({session}))

    def check(self) -> None:
        for peer in self.peers:
            peer.check_replies()

    async def end(self) -> None:
        """Let everything come to rest, then lose everybody: nothing of them may stay."""
        self.release()
        await idle()
        for number, peer in enumerate(self.peers):
            self.relieve(number)
            await idle()
            peer.check_replies()
            if not peer.is_lost and not peer.link.is_over:
                peer.check_all_answered()
        for number in range(len(self.peers)):
            self.lose(number)
        await idle()
        self.instance.pass_seconds(LIFE_SECONDS)
        await idle()
        self.check()
        self._check_empty()

    def _check_empty(self) -> None:
        engine = self.instance.engine
        assert self.instance.nothing_attached()
        assert engine.recoveries._left == TIGHT.instance_recovery_bytes
        assert (engine.load.in_progress, engine.load._turns._value) == (0, TIGHT.connects_in_progress)
        assert not engine.half_open._by_address
        assert len(engine.half_open) == 0
        assert not engine.flusher._slow
        assert not engine.flusher._dirty
        assert not engine.wheel._slots
        assert not any(self.presence._channels.values())
        ends = Counter(said.split()[1] for said in self.presence.said)
        assert ends["connected"] == ends["disconnected"]

    def _peer(self, number: int) -> Peer | None:
        return self.peers[number % len(self.peers)] if self.peers else None

    def _encoded(self, peer: Peer, requests: Sequence[Request | None]) -> bytes:
        encode = sdk.encoded if peer.link.codec.binary else sdk.line
        return peer.link.codec.frame([self._command(encode, request, peer) for request in requests])

    def _command(self, encode: Any, request: Request | None, peer: Peer) -> bytes:
        if isinstance(request, Pong | Send):
            unnumbered: bytes = encode(Command(0, request))
            return unnumbered
        self._last_id += 1
        if request is not None:
            encoded: bytes = encode(Command(self._last_id, request))
            return encoded
        if peer.link.codec.binary:
            return sdk.delimited(schema.Command(id=self._last_id))
        return b'{"id":%d,"explode":{}}' % self._last_id


@contextmanager
def nothing_escapes() -> Iterator[None]:
    """Fail for an exception that was only logged, unless the application's fake has raised it."""
    found: list[BaseException] = []

    def look(_logger: Any, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
        error = sys.exc_info()[1]
        if event.get("exc_info") and error is not None and _origin(error) != "fakes.py":
            found.append(error)
        raise structlog.DropEvent

    processors = structlog.get_config()["processors"]
    before = list(processors)
    processors[:] = [look]
    try:
        yield
    finally:
        processors[:] = before
    assert not found, found


def _origin(error: BaseException) -> str:
    """Name the file that raised it."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return "" if trace is None else Path(trace.tb_frame.f_code.co_filename).name


async def tell(steps: Sequence[tuple[Any, ...]]) -> None:
    """Play the steps, each a method of the story and its arguments."""
    loop = asyncio.get_running_loop()
    escaped: list[dict[str, Any]] = []
    loop.set_exception_handler(lambda _loop, context: escaped.append(context))
    presence = MemoryPresence()
    application = OpenChannels(MemoryLog(most_recovered=3))
    async with Instance(application, limits=TIGHT, outbox_limits=OUTBOXES, presence=presence) as instance:
        application.committed = instance.engine.committed
        application.grants = GRANTS
        for channel in ("open", "room:r", "user:ann"):
            for _ in range(3):
                application.post(channel)
        application.members["room:r"] |= {"ann", "bob"}
        story = Story(instance, presence)
        for name, arguments, rest in steps:
            getattr(story, name)(**arguments)
            for _ in range(rest):
                await asyncio.sleep(0)
            story.check()
        await story.end()
    assert not escaped, escaped
