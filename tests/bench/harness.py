"""One server, one load client and a stop-watch for CPU time: what every scenario measures with."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.bench.load.client import Answer, LoadClient, LoadError, compiled
from tests.bench.processes import cpu_seconds, resident_bytes
from tests.bench.servers import Running, Server

CHECKED_CLIENTS = 50
CHECKED_MESSAGES = 100


@dataclass(frozen=True)
class Measured:
    """What the load client saw, and the CPU time of the server meanwhile."""

    answer: Answer
    cpu_seconds: float

    @property
    def cpu_us_per_delivery(self) -> float:
        return self.cpu_us_per(self.answer.deliveries)

    @property
    def deliveries_per_second(self) -> float:
        return self.answer.deliveries / self.answer.seconds if self.answer.seconds else 0.0

    def cpu_us_per(self, count: int) -> float:
        return self.cpu_seconds * 1e6 / max(1, count)

    def figures(self) -> dict[str, float]:
        """What a fan-out is judged by."""
        return {
            "us/delivery": self.cpu_us_per_delivery,
            "deliveries/s": self.deliveries_per_second,
            "deliveries/s/core": 1e6 / self.cpu_us_per_delivery if self.cpu_us_per_delivery else 0.0,
            "p50 ms": self.answer.delivery_p50_us / 1000,
            "p99 ms": self.answer.delivery_p99_us / 1000,
        }


class Bench:
    """A started server with its load client."""

    def __init__(self, running: Running, load: LoadClient) -> None:
        self.running, self.load = running, load

    def measure(self, command: str) -> Measured:
        before = cpu_seconds(self.running.processes)
        answer = self.load.ask(command)
        return Measured(answer, cpu_seconds(self.running.processes) - before)

    def resident_bytes(self) -> int:
        return resident_bytes(self.running.processes)


class Place:
    """Where a run keeps what it makes: the compiled client, a fresh folder a start, and what later runs use again."""

    def __init__(self, folder: Path, kept: Path) -> None:
        self._folder, self.kept = folder, kept
        self._started = 0

    @property
    def load(self) -> Path:
        return compiled(self._folder)

    def fresh(self) -> Path:
        self._started += 1
        folder = self._folder / str(self._started)
        folder.mkdir()
        return folder


@contextmanager
def started(
    place: Place, server: Server, count: int, publishers: int = 1, *, connected: bool = True
) -> Iterator[Bench]:
    """Run a server and connect `count` clients to it."""
    folder = place.fresh()
    with server.start(folder, count) as running, LoadClient(place.load, folder, running, server.dialect) as load:
        load.start(server.clients(count, publishers))
        if connected:
            load.connect(count)
        yield Bench(running, load)


def check(place: Place, server: Server) -> None:
    """See that a server relays every message to everybody, once. Raises LoadError."""
    with started(place, server, CHECKED_CLIENTS) as bench:
        bench.load.ask("wait 0.2")
        answer = bench.load.ask(f"burst {CHECKED_MESSAGES}")
    if answer.deliveries != CHECKED_CLIENTS * CHECKED_MESSAGES:
        raise LoadError(f"{answer.deliveries} deliveries of {CHECKED_MESSAGES} messages to {CHECKED_CLIENTS} clients")
