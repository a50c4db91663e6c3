"""Keeps the search index behind the logs: one gateway of all that share a database does it, whoever gets the lock.

The lock is held by a session of the database (on SQLite, on a file), so it passes on when its holder dies. What this
gateway commits is indexed at once; what others commit is found within seconds.
"""

import asyncio
from contextlib import AbstractAsyncContextManager, suppress
from typing import NamedTuple, Protocol

import structlog

from shared.errors import AppError

_log = structlog.get_logger(__name__)


class Index(Protocol):
    async def catch_up(self) -> bool:
        """Index some of what is behind; answers whether there may be more."""


class Election(Protocol):
    def office(self) -> AbstractAsyncContextManager[bool]:
        """Try to be the one; answers whether one is, until the context ends. Raises AppError."""

    async def holds(self) -> bool:
        """Whether the office is still held."""


class Times(NamedTuple):
    """In seconds: the shortest pause between two rounds, the longest, and that of a gateway out of office."""

    breath: float = 0.2
    interval: float = 2.0
    candidate: float = 5.0


class Indexer:
    """`run` belongs to the caller's TaskGroup and raises nothing."""

    def __init__(self, index: Index, election: Election, times: Times = Times()) -> None:  # noqa: B008 -- immutable
        self._index, self._election, self._times = index, election, times
        self._committed = asyncio.Event()

    def committed(self) -> None:
        """Something was written to a log here."""
        self._committed.set()

    async def run(self) -> None:
        while True:
            try:
                async with self._election.office() as elected:
                    while elected and await self._election.holds():
                        await self._round()
            except AppError as error:
                _log.warning("indexer.paused", error=str(error))
            await asyncio.sleep(self._times.candidate)

    async def _round(self) -> None:
        self._committed.clear()
        more = await self._index.catch_up()
        await asyncio.sleep(self._times.breath)
        if not more:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._times.interval):
                    await self._committed.wait()
