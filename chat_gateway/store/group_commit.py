"""The commit queue: every change of a log goes through here, in the order of calls, many posts in one transaction.

Self-clocked: what arrives while a commit is in flight goes in the next batch; there is no window to wait for. After a
commit the rows go to `committed` (own hub, then bus), and only then are the callers answered. A change that waits too
long to be begun is withdrawn; one whose outcome was lost with the connection is looked up, however long that takes.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress

import msgspec
from typing_extensions import override

from chat_gateway.core.changes import Applied, Change, Outcome, Post, Refusal
from chat_gateway.core.entries import Entry
from chat_gateway.core.errors import (
    client_id_conflict,
    member_not_found,
    not_allowed,
    not_storable,
    room_not_found,
    store_unavailable,
    too_many_rooms,
)
from chat_gateway.core.ids import LogId
from chat_gateway.core.ports import Log
from chat_gateway.store.appender import Appender, NotCommitted, Rejected
from shared.errors import AppError

Committed = Callable[[LogId, str, Sequence[Entry]], None]

_REFUSALS: dict[Refusal, Callable[[], AppError]] = {
    Refusal.NO_SUCH_ROOM: room_not_found,
    Refusal.NOT_ALLOWED: not_allowed,
    Refusal.NO_SUCH_MEMBER: member_not_found,
    Refusal.CONFLICT: client_id_conflict,
    Refusal.TOO_MANY_ROOMS: too_many_rooms,
}
_FIRST_PAUSE_SECONDS = 0.05
_LONGEST_PAUSE_SECONDS = 1.0

_log = logging.getLogger(__name__)


class _Waiting(msgspec.Struct, frozen=True, eq=False):
    change: Change
    answer: asyncio.Future[Applied]
    since: float


class GroupCommit(Log):
    """Implement core's Log port. Its owner awaits `run`; `close` lets that end once the queue is committed.

    `committed` is called per log with rows in rising order, new ones and repeated ones alike; it must not raise.
    """

    def __init__(
        self,
        appender: Appender,
        committed: Committed,
        *,
        queue_limit: int = 10_000,
        batch_limit: int = 200,
        patience_seconds: float = 2.0,
    ) -> None:
        self._appender = appender
        self._committed = committed
        self._queue_limit = queue_limit
        self._batch_limit = batch_limit
        self._patience = patience_seconds
        self._queue: deque[_Waiting] = deque()
        self._wake = asyncio.Event()
        self._closing = asyncio.Event()

    @override
    def append(self, change: Change) -> Awaitable[Applied]:
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Applied] = loop.create_future()
        if self._closing.is_set() or len(self._queue) >= self._queue_limit:
            answer.set_exception(store_unavailable())
            return answer
        self._queue.append(_Waiting(change, answer, loop.time()))
        self._wake.set()
        return answer

    async def run(self) -> None:
        """Commit until closed. Whatever is still queued when this ends is answered with Unavailable."""
        async with asyncio.TaskGroup() as tasks:
            watch = tasks.create_task(self._withdraw_late())
            try:
                while await self._has_work():
                    if await self._is_connected():
                        await self._commit(self._next_batch())
            finally:
                watch.cancel()
                self._closing.set()
                _fail(self._queue, store_unavailable)
                self._queue.clear()

    def close(self) -> None:
        """Refuse what comes from now on; `run` ends when the queue is empty."""
        self._closing.set()
        self._wake.set()

    async def _has_work(self) -> bool:
        while not self._queue:
            if self._closing.is_set():
                return False
            self._wake.clear()
            await self._wake.wait()
        return True

    async def _is_connected(self) -> bool:
        """Connect, pausing longer after each failure; False when there is nothing left to connect for."""
        pause = _FIRST_PAUSE_SECONDS
        while self._queue:
            try:
                await self._appender.connect()
            except NotCommitted as error:
                _log.warning("The chat database cannot be reached: %s", error)
                pause = await self._pause(pause)
                if self._closing.is_set():
                    _fail(self._queue, store_unavailable)
                    self._queue.clear()
            else:
                return True
        return False

    async def _pause(self, seconds: float) -> float:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._closing.wait(), seconds)
        return min(2 * seconds, _LONGEST_PAUSE_SECONDS)

    def _next_batch(self) -> list[_Waiting]:
        """Take the leading run of posts, or one other change: the order of calls is kept."""
        batch: list[_Waiting] = []
        while self._queue and len(batch) < self._batch_limit:
            is_post = isinstance(self._queue[0].change, Post)
            if not is_post and batch:
                break
            batch.append(self._queue.popleft())
            if not is_post:
                break
        return batch

    async def _commit(self, batch: list[_Waiting]) -> None:
        try:
            epoch, outcomes = await self._appender.apply([waiting.change for waiting in batch])
        except Rejected:
            await self._singly(batch, self._commit)
        except NotCommitted as error:
            _log.warning("A batch of %d was not committed: %s", len(batch), error)
            _fail(batch, store_unavailable)
        except Exception:  # noqa: BLE001 -- whatever failed, the transaction may stand: only the database knows
            _log.exception("The outcome of a batch of %d is unknown", len(batch))
            await self._settle(batch)
        except BaseException:
            _fail(batch, store_unavailable)
            raise
        else:
            self._answer(batch, epoch, outcomes)

    async def _singly(self, batch: list[_Waiting], step: Callable[[list[_Waiting]], Awaitable[None]]) -> None:
        """Keep one bad row from failing its neighbours."""
        if len(batch) == 1:
            _fail(batch, not_storable)
            return
        for waiting in batch:
            await step([waiting])

    async def _settle(self, batch: list[_Waiting]) -> None:
        """Find out what became of the batch. Until then nobody is told anything, unless we are closing."""
        pause = _FIRST_PAUSE_SECONDS
        while not self._closing.is_set():
            try:
                await self._appender.connect()
                epoch, found = await self._appender.find([waiting.change for waiting in batch])
            except Rejected:
                await self._singly(batch, self._settle)
                return
            except NotCommitted as error:
                _log.warning("The outcome of a batch cannot be looked up yet: %s", error)
                pause = await self._pause(pause)
            else:
                self._answer(batch, epoch, found)
                return
        _fail(batch, store_unavailable)

    def _answer(self, batch: Sequence[_Waiting], epoch: str, outcomes: Sequence[Outcome | None]) -> None:
        """Publish the rows, then answer the callers."""
        for log, entries in _by_log(outcomes).items():
            try:
                self._committed(log, epoch, entries)
            except Exception:  # noqa: BLE001 -- what is committed is answered, whoever fails to hear of it
                _log.exception("Committed entries of %s could not be handed on; heads will repair it", log)
        for waiting, outcome in zip(batch, outcomes, strict=True):
            if waiting.answer.done():
                continue
            match outcome:
                case Applied():
                    waiting.answer.set_result(outcome)
                case Refusal():
                    waiting.answer.set_exception(_REFUSALS[outcome]())
                case None:
                    waiting.answer.set_exception(store_unavailable())

    async def _withdraw_late(self) -> None:
        """Answer those who wait too long to be begun, also while a commit hangs: they are known not to be committed."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(self._patience / 8)
            while self._queue and loop.time() - self._queue[0].since > self._patience:
                _fail([self._queue.popleft()], store_unavailable)


def _fail(batch: Iterable[_Waiting], error: Callable[[], AppError]) -> None:
    for waiting in batch:
        if not waiting.answer.done():
            waiting.answer.set_exception(error())


def _by_log(outcomes: Iterable[Outcome | None]) -> dict[LogId, list[Entry]]:
    """Collect the rows per log, each once, in rising order."""
    rows: dict[LogId, dict[int, Entry]] = {}
    for outcome in outcomes:
        if isinstance(outcome, Applied):
            for row in (outcome.entry, *outcome.others):
                if row is not None:
                    rows.setdefault(row.log, {})[row.offset] = row
    return {log: [entries[offset] for offset in sorted(entries)] for log, entries in rows.items()}
