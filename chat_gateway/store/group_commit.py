"""The commit queue: every change of a log goes through here, in the order of calls, many posts in one transaction.

Self-clocked: what arrives while a commit is in flight goes in the next batch; there is no window to wait for. After a
commit the rows go to `committed` (own hub, then bus), and only then are the callers answered. A change that waits too
long to be begun is withdrawn; one whose outcome was lost with the connection is looked up, however long that takes.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress

from typing_extensions import override

from chat_gateway.core.changes import Applied, Arrival, Change, Outcome, Refusal
from chat_gateway.core.entries import Entry
from chat_gateway.core.errors import (
    banned,
    client_id_conflict,
    direct_room,
    last_owner,
    member_not_found,
    message_not_found,
    not_a_thread_root,
    not_allowed,
    not_reachable,
    not_storable,
    not_your_message,
    oneself,
    person_not_found,
    read_only,
    room_archived,
    room_not_found,
    store_unavailable,
    too_many_edits,
    too_many_pins,
    too_many_reactions,
    too_many_rooms,
)
from chat_gateway.core.ids import LogId
from chat_gateway.core.ports import Log
from chat_gateway.store.appender import Appender, NotCommitted, Rejected
from chat_gateway.store.commit_queue import CommitQueue, Waiting
from shared.errors import AppError

Committed = Callable[[LogId, str, Sequence[Entry]], None]

_REFUSALS: dict[Refusal, Callable[[], AppError]] = {
    Refusal.NO_SUCH_ROOM: room_not_found,
    Refusal.NOT_ALLOWED: not_allowed,
    Refusal.NO_SUCH_MEMBER: member_not_found,
    Refusal.CONFLICT: client_id_conflict,
    Refusal.TOO_MANY_ROOMS: too_many_rooms,
    Refusal.NO_SUCH_MESSAGE: message_not_found,
    Refusal.NOT_A_THREAD_ROOT: not_a_thread_root,
    Refusal.READ_ONLY: read_only,
    Refusal.ARCHIVED: room_archived,
    Refusal.TOO_MANY_EDITS: too_many_edits,
    Refusal.TOO_MANY_REACTIONS: too_many_reactions,
    Refusal.TOO_MANY_PINS: too_many_pins,
    Refusal.BANNED: banned,
    Refusal.LAST_OWNER: last_owner,
    Refusal.NO_SUCH_PERSON: person_not_found,
    Refusal.DIRECT_ROOM: direct_room,
    Refusal.NOT_YOUR_MESSAGE: not_your_message,
    Refusal.NOT_REACHABLE: not_reachable,
    Refusal.ONESELF: oneself,
}
_FIRST_PAUSE_SECONDS = 0.05
_LONGEST_PAUSE_SECONDS = 1.0

_log = logging.getLogger(__name__)


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
        queue_bytes: int = 64 * 1024 * 1024,
        batch_limit: int = 200,
        patience_seconds: float = 2.0,
    ) -> None:
        self._appender = appender
        self._committed = committed
        self._batch_limit = batch_limit
        self._patience = patience_seconds
        self._queue = CommitQueue(most=queue_limit, most_bytes=queue_bytes)
        self._wake = asyncio.Event()
        self._closing = asyncio.Event()

    @override
    def append(self, change: Change) -> Awaitable[Applied]:
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Applied] = loop.create_future()
        if self._closing.is_set() or not self._queue.put(Waiting(change, answer, loop.time())):
            answer.set_exception(store_unavailable())
        self._wake.set()
        return answer

    async def run(self) -> None:
        """Commit until closed. Whatever is still queued when this ends is answered with Unavailable."""
        async with asyncio.TaskGroup() as tasks:
            watch = tasks.create_task(self._withdraw_late())
            try:
                while await self._has_work():
                    if await self._is_connected():
                        await self._commit(self._queue.take_batch(self._batch_limit))
            finally:
                watch.cancel()
                self._closing.set()
                _fail(self._queue.take_all(), store_unavailable)

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
                    _fail(self._queue.take_all(), store_unavailable)
            else:
                return True
        return False

    async def _pause(self, seconds: float) -> float:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._closing.wait()
        return min(2 * seconds, _LONGEST_PAUSE_SECONDS)

    async def _commit(self, batch: list[Waiting]) -> None:
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

    async def _singly(self, batch: list[Waiting], step: Callable[[list[Waiting]], Awaitable[None]]) -> None:
        """Keep one bad row from failing its neighbours."""
        if len(batch) == 1:
            _fail(batch, not_storable)
            return
        for waiting in batch:
            await step([waiting])

    async def _settle(self, batch: list[Waiting]) -> None:
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

    def _answer(self, batch: Sequence[Waiting], epoch: str, outcomes: Sequence[Outcome | None]) -> None:
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
                    waiting.answer.set_exception(_refusal(outcome, waiting.change))
                case None:
                    waiting.answer.set_exception(store_unavailable())

    async def _withdraw_late(self) -> None:
        """Answer those who wait too long to be begun, also while a commit hangs: they are known not to be committed."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(self._patience / 8)
            _fail(self._queue.take_older(loop.time() - self._patience), store_unavailable)


def _refusal(refusal: Refusal, change: Change) -> AppError:
    if refusal is Refusal.TOO_MANY_ROOMS and isinstance(change, Arrival):
        return too_many_rooms(change.most_rooms)
    return _REFUSALS[refusal]()


def _fail(batch: Iterable[Waiting], error: Callable[[], AppError]) -> None:
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
