"""The channels this instance wants to hear, and which of them the link has still to be told about.

Only the latest wish for a channel counts. A channel that is wanted again before the server was told otherwise is asked
for once more, so that every `add` is followed by a confirmation.
"""

import asyncio
from itertools import islice
from typing import NamedTuple


class Changes(NamedTuple):
    wanted: list[str]
    unwanted: list[str]


class Subscriptions:
    def __init__(self) -> None:
        self._wanted: set[str] = set()
        self._untold: dict[str, None] = {}
        self._changed = asyncio.Event()

    def __contains__(self, channel: str) -> bool:
        return channel in self._wanted

    def add(self, channel: str) -> None:
        self._wanted.add(channel)
        self._tell(channel)

    def discard(self, channel: str) -> None:
        if channel in self._wanted:
            self._wanted.remove(channel)
            self._tell(channel)

    def lost(self, channel: str) -> None:
        """The server let go of a channel (its slot moved, say): ask again if it is still wanted."""
        if channel in self._wanted:
            self._tell(channel)

    def start_over(self) -> None:
        """A new link knows nothing: everything wanted is to be told, nothing else."""
        self._untold = dict.fromkeys(self._wanted)
        if self._untold:
            self._changed.set()
        else:
            self._changed.clear()

    async def changes(self, limit: int) -> Changes:
        """Wait for wishes the link was not told and take up to `limit` of them, the oldest first."""
        await self._changed.wait()
        changes = Changes([], [])
        for channel in list(islice(self._untold, limit)):
            del self._untold[channel]
            (changes.wanted if channel in self._wanted else changes.unwanted).append(channel)
        if not self._untold:
            self._changed.clear()
        return changes

    def _tell(self, channel: str) -> None:
        self._untold[channel] = None
        self._changed.set()
