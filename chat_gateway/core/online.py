"""Who is online: the people with a socket on this instance, and those of all instances together.

Somebody is online from their first socket until some seconds after their last one, so that a reload is no absence. Each
instance tells the others its roll, the list of its own people; a roll counts until it runs out.
"""

from collections import Counter
from collections.abc import Collection, Iterable, KeysView

import msgspec

from chat_gateway.core.ids import UserId


class Roll(msgspec.Struct, frozen=True):
    """The people of one instance. `seq` counts its changes; it runs out after these seconds if it is not renewed."""

    seq: int
    users: frozenset[UserId]
    ttl_seconds: float


class Here:
    """The people of this instance, with those whose last socket went just now."""

    def __init__(self, grace_seconds: float) -> None:
        self._grace_seconds = grace_seconds
        self._sockets: dict[UserId, int] = {}
        self._leaving: dict[UserId, float] = {}

    @property
    def users(self) -> KeysView[UserId]:
        return self._sockets.keys()

    def connected(self, user: UserId) -> bool:
        """Count a socket; whether the user was not here before."""
        is_new = user not in self._sockets
        self._sockets[user] = self._sockets.get(user, 0) + 1
        self._leaving.pop(user, None)
        return is_new

    def disconnected(self, user: UserId, now: float) -> None:
        self._sockets[user] -= 1
        if self._sockets[user] == 0:
            self._leaving[user] = now + self._grace_seconds

    def expire(self, now: float) -> list[UserId]:
        """Let those go whose time is over; answers them."""
        gone = []
        for user, until in self._leaving.items():  # in the order in which they left, so of their times
            if until > now:
                break
            gone.append(user)
        for user in gone:
            del self._leaving[user], self._sockets[user]
        return gone


class _Known:
    """A roll as it is known here, and the moment until which it counts."""

    __slots__ = ("seq", "until", "users")

    def __init__(self, seq: int, users: set[UserId], until: float) -> None:
        self.seq, self.users, self.until = seq, users, until


class Online:
    """The people of all instances. `flipped` gathers those who came or went, until it is taken."""

    def __init__(self) -> None:
        self._counts: Counter[UserId] = Counter()
        self._rolls: dict[str, _Known] = {}
        self._flipped: set[UserId] = set()

    def __contains__(self, user: object) -> bool:
        return user in self._counts

    def add(self, user: UserId) -> None:
        self._counts[user] += 1
        if self._counts[user] == 1:
            self._flipped.add(user)

    def remove(self, user: UserId) -> None:
        self._counts[user] -= 1
        if self._counts[user] == 0:
            del self._counts[user]
            self._flipped.add(user)

    def take_flipped(self) -> set[UserId]:
        flipped, self._flipped = self._flipped, set()
        return flipped

    def put(self, instance: str, roll: Roll, now: float) -> None:
        """Take another instance's roll as it was read; one that was overtaken by its changes is passed over."""
        known = self._rolls.setdefault(instance, _Known(0, set(), 0.0))
        if roll.seq < known.seq:
            return
        known.seq, known.until = roll.seq, now + roll.ttl_seconds
        self._change(known, roll.users - known.users, known.users - roll.users)

    def change(self, instance: str, seq: int, on: Iterable[UserId], off: Iterable[UserId], until: float) -> bool:
        """Apply a change of another instance's roll; False where one before it is missing, so that it must be read."""
        known = self._rolls.get(instance)
        if known is None or seq > known.seq + 1:
            return False
        if seq == known.seq + 1:
            known.seq, known.until = seq, until
            self._change(known, set(on) - known.users, known.users.intersection(off))
        return True

    def drop(self, instance: str) -> None:
        known = self._rolls.pop(instance, None)
        if known is not None:
            self._change(known, (), set(known.users))

    def keep(self, found: Collection[str], until: float) -> None:
        """Let the rolls that were not found count until this moment: their instances may only be late."""
        for instance, known in self._rolls.items():
            if instance not in found:
                known.until = until

    def overdue(self, now: float) -> list[str]:
        """Name the instances whose rolls have run out, unless they were renewed unheard."""
        return [instance for instance, known in self._rolls.items() if known.until <= now]

    def _change(self, known: _Known, on: Iterable[UserId], off: Iterable[UserId]) -> None:
        for user in on:
            known.users.add(user)
            self.add(user)
        for user in off:
            known.users.discard(user)
            self.remove(user)
