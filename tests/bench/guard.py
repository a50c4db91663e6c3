"""The guard of `make ci`: some ratios of one interleaved run, at half of the target.

So a busy machine does not fail it, and a change that makes delivery or sockets twice as dear does.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from tests.bench.harness import Place, started
from tests.bench.parley import Parley
from tests.bench.peers import catalogue
from tests.bench.results import Miss, Sample, medians, ratio
from tests.bench.runner import Runner
from tests.bench.scenario import Reading, Scenario, Step
from tests.bench.servers import Server

_CLIENTS = 1000
_RATE = 2000
_ROUNDS = 3
_IDLE = 2000
_OURS = Parley()
_PER_CORE = "deliveries/s/core"
_FAN_OUT, _MEMORY = "fan-out", "memory"


@dataclass(frozen=True)
class Bound:
    """What is promised, and where the guard barks; `measured` takes the run's medians."""

    what: str
    target: float
    guard: float
    is_most: bool
    measured: Callable[[Sequence[Sample]], float]

    def holds(self, value: float) -> bool:
        return value <= self.guard if self.is_most else value >= self.guard

    def row(self, value: float) -> str:
        sign = "at most" if self.is_most else "at least"
        verdict = "ok" if self.holds(value) else "FAILS"
        return f"{self.what:<62} {value:>8.2f}   target {sign} {self.target:g}, guard {self.guard:g}   {verdict}"

    def complaint(self, value: float) -> str:
        side = "over" if self.is_most else "below"
        return (
            f"{self.what} is {value:.2f}, {side} the guard's {self.guard:g} (target {self.target:g})."
            " Delivery or sockets have become much dearer: find it with `make bench` and a profile first."
        )


def _against(server: Server) -> Callable[[Sequence[Sample]], float]:
    def measured(samples: Sequence[Sample]) -> float:
        fan_out = [sample for sample in samples if sample.scenario == _FAN_OUT]
        return ratio(fan_out, _PER_CORE, of=_OURS.name, to=server.name)

    return measured


def _kilobytes(samples: Sequence[Sample]) -> float:
    return next(sample.figures["KB/socket"] for sample in samples if sample.scenario == _MEMORY)


BOUNDS = (
    Bound("deliveries/s/core against C, one send a message (times)", 12, 6, False, _against(catalogue.C_SEND)),
    Bound("deliveries/s/core against plain aiohttp (times)", 20, 10, False, _against(catalogue.AIOHTTP)),
    Bound("memory of an idle socket (KB)", 4, 8, True, _kilobytes),
)


def scenarios() -> list[Scenario]:
    servers: tuple[Server, ...] = (_OURS, catalogue.C_SEND, catalogue.AIOHTTP)
    compared = [Step(server.name, 7, partial(_fan_out, server)) for server in servers]
    return [
        Scenario(_FAN_OUT, f"{_RATE:,} messages/s to {_CLIENTS:,} clients.", compared, rounds=_ROUNDS),
        Scenario(_MEMORY, f"{_IDLE:,} idle sockets.", [Step(_OURS.name, 5, _memory)]),
    ]


def guard(place: Place) -> int:
    """Run, print the table and answer the exit code."""
    runner = Runner(place)
    runner.run(scenarios())
    rows, complaints = judged(medians(runner.samples), runner.misses)
    print("\n".join([*rows, *complaints]))
    return 1 if complaints else 0


def judged(samples: Sequence[Sample], misses: Sequence[Miss]) -> tuple[list[str], list[str]]:
    """Answer the rows of the table, and a sentence for each bound that does not hold or could not be measured."""
    if misses:
        return [], [f"{miss.server} could not be measured: {miss.reason}" for miss in misses]
    values = [(bound, bound.measured(samples)) for bound in BOUNDS]
    rows = [bound.row(value) for bound, value in values]
    return rows, [bound.complaint(value) for bound, value in values if not bound.holds(value)]


def _fan_out(server: Server, place: Place) -> Iterator[Reading]:
    reason = server.needs()
    if reason is not None:
        raise RuntimeError(reason)
    with started(place, server, _CLIENTS) as bench:
        bench.load.ask("wait 0.3")
        yield Reading("", _RATE, bench.measure(f"publish 1 {_RATE}").figures())


def _memory(place: Place) -> Iterator[Reading]:
    with started(place, _OURS, _IDLE, connected=False) as bench:
        before = bench.resident_bytes()
        bench.load.connect(_IDLE)
        bench.load.ask("wait 1")
        kilobytes = (bench.resident_bytes() - before) / _IDLE / 1024
    yield Reading("", _IDLE, {"KB/socket": kilobytes})
