"""What every session of an instance shares, so that a session itself holds nothing but its own state."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, Protocol

from chat_gateway.protocol.codes import Disconnect

if TYPE_CHECKING:
    from chat_gateway.protocol.frames import Request, Result
    from chat_gateway.realtime.half_open import HalfOpen
    from chat_gateway.realtime.heartbeat import Heartbeat
    from chat_gateway.realtime.hub import Hub
    from chat_gateway.realtime.limits import Limits
    from chat_gateway.realtime.load import Load
    from chat_gateway.realtime.outbox import Flusher
    from chat_gateway.realtime.ports import Application, Presence
    from chat_gateway.realtime.recovery import Recoveries
    from chat_gateway.realtime.repair import Repairer
    from chat_gateway.realtime.session import Session
    from chat_gateway.realtime.subscriptions import Subscriber
    from chat_gateway.realtime.unsubscriptions import Unsubscriber
    from chat_gateway.realtime.wheel import Wheel


class Disconnected(Exception):
    """A command ended the connection instead of being answered."""

    def __init__(self, disconnect: Disconnect) -> None:
        super().__init__(disconnect)
        self.disconnect = disconnect


class Commands(Protocol):
    async def run(self, session: Session, command_id: int, request: Request) -> Result | None:
        """Carry out a command; None where it was answered already. Raises AppError and Disconnected."""


class Context(Protocol):
    """`now` is Unix time in seconds, `monotonic` a clock for durations, `random` a number in [0, 1)."""

    instance: str
    version: str
    limits: Limits
    application: Application
    presence: Presence
    hub: Hub
    wheel: Wheel
    flusher: Flusher
    load: Load
    half_open: HalfOpen
    heartbeat: Heartbeat
    recoveries: Recoveries
    repairer: Repairer
    subscriber: Subscriber
    unsubscriber: Unsubscriber
    now: Callable[[], float]
    monotonic: Callable[[], float]
    random: Callable[[], float]

    @property
    def commands(self) -> Commands: ...

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run a session's work under the engine's care; it must not raise."""

    def left(self, session: Session) -> None:
        """Forget a session that has ended."""
