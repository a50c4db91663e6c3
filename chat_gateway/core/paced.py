"""What may be told only so often: it gathers, and is told at once where the last time is long enough ago."""

from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Paced(Generic[K, V]):
    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._next = float("-inf")
        self._gathered: dict[K, V] = {}

    def __bool__(self) -> bool:
        """Whether something waits."""
        return bool(self._gathered)

    def rests(self, now: float) -> bool:
        """Whether nothing waits and nothing would have to."""
        return not self._gathered and now >= self._next

    def get(self, key: K) -> V | None:
        return self._gathered.get(key)

    def put(self, key: K, value: V) -> None:
        self._gathered[key] = value

    def discard(self, key: K) -> None:
        self._gathered.pop(key, None)

    def clear(self) -> None:
        self._gathered.clear()

    def take(self, now: float) -> dict[K, V]:
        """Everything that waits, in the order of its first mention; nothing before it is time again."""
        if not self._gathered or now < self._next:
            return {}
        self._next = now + self._seconds
        taken, self._gathered = self._gathered, {}
        return taken
