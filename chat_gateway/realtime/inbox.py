"""The commands of one session that wait or run: their order, how many at once, and the push back on the client.

Commands start in the client's order. Those that change the session itself (connect, subscribe, unsubscribe, refresh)
run alone: nothing starts before they are done. Those that read much (history, search) run beside all others, a few at
once. The rest is started one after another and answered as it finishes. Above `in_flight` the link stops reading.
"""

from collections import deque
from collections.abc import Callable, Iterator
from enum import Enum

from chat_gateway.protocol.frames import Command, Request
from chat_gateway.realtime.limits import Limits
from chat_gateway.realtime.link import Link


class Pace(Enum):
    ALONE = "alone"
    SLOW = "slow"
    FREE = "free"


Judge = Callable[[Command], Pace | None]
"""Says how a command is to be run, at the moment its turn has come; None for one that is not to be run at all."""


class Inbox:
    """`run` starts a command; `done` is to be called with its pace when it is answered."""

    __slots__ = (
        "_alone", "_judge", "_limits", "_link", "_over", "_queue", "_run", "_running", "_slow", "_slow_waiting",
        "paused",
    )  # fmt: skip

    def __init__(self, link: Link, limits: Limits, judge: Judge, run: Callable[[Command, Pace], None]) -> None:
        self._link = link
        self._limits = limits
        self._judge = judge
        self._run = run
        self._queue: deque[Command] | None = None  # only while something waits: an empty one takes 760 bytes
        self._slow_waiting: list[Command] = []
        self._running = 0  # with those that wait for others of their kind
        self._slow = 0
        self._alone = False
        self._over = False
        self.paused = False

    def put(self, command: Command) -> None:
        if self._over:
            return
        if self._queue is None:
            self._queue = deque()
        self._queue.append(command)

    def waiting(self) -> Iterator[Request | None]:
        """What has come and has not started."""
        return (command.request for command in self._queue or ())

    def pump(self) -> None:
        """Start what may start now."""
        while self._queue and not self._alone and self._running < self._limits.in_flight:
            self._start(self._queue.popleft())
        if self._over:
            return
        waiting = bool(self._queue)
        if not waiting:
            self._queue = None
        if waiting and not self.paused:
            self._link.pause()
        elif self.paused and not waiting:
            self._link.resume()
        self.paused = waiting

    def done(self, pace: Pace) -> None:
        self._running -= 1
        if pace is Pace.ALONE:
            self._alone = False
        elif pace is Pace.SLOW:
            if self._slow_waiting:
                self._run(self._slow_waiting.pop(0), pace)
            else:
                self._slow -= 1
        self.pump()

    def end(self) -> None:
        """Forget what has not started; the session is over."""
        self._over = True
        self._queue = None
        self._slow_waiting.clear()

    def _start(self, command: Command) -> None:
        pace = self._judge(command)
        if pace is None:
            return
        self._running += 1
        self._alone = pace is Pace.ALONE
        if pace is Pace.SLOW:
            if self._slow == self._limits.slow_in_flight:
                self._slow_waiting.append(command)
                return
            self._slow += 1
        self._run(command, pace)
