"""Sockets that say nothing: what each takes in memory, and what pinging all of them costs."""

import resource
from collections.abc import Iterator

from tests.bench.harness import Measured, Place, started
from tests.bench.parley import Parley
from tests.bench.scenario import Plot, Reading, Scenario, Step

_COUNTS = (10_000, 20_000)
_PING_SECONDS = 10
_DESCRIPTORS_BESIDE = 500


def scenarios() -> list[Scenario]:
    return [
        Scenario(
            name="idle sockets",
            meaning="Authenticated clients in one room that say nothing; a ping and its pong every 10 s. As many as the"
            " limit of open files of the machine allows.",
            steps=[Step("Parley", 50, _measure)],
            plots=[Plot("KB/socket", "sockets")],
        )
    ]


def possible(count: int) -> int:
    return min(count, resource.getrlimit(resource.RLIMIT_NOFILE)[1] - _DESCRIPTORS_BESIDE)


def _measure(place: Place) -> Iterator[Reading]:
    counts = [possible(count) for count in _COUNTS]
    parley = Parley(settings={"CHAT_PING_SECONDS": str(_PING_SECONDS)})
    with started(place, parley, counts[-1], connected=False) as bench:
        at_start = bench.resident_bytes()
        for connected, count in zip([0, *counts], counts, strict=False):
            bench.load.connect(count, connected)
            bench.load.ask("wait 2")
            yield _reading(count, at_start, bench.measure(f"wait {_PING_SECONDS}"), bench.resident_bytes())


def _reading(count: int, at_start: int, measured: Measured, now: int) -> Reading:
    figures = {
        "KB/socket": (now - at_start) / count / 1024,
        "MB more": (now - at_start) / 1024**2,
        "MB with the process": now / 1024**2,
        "% of a core": 100 * measured.cpu_seconds / measured.answer.seconds,
        "still open": measured.answer.open,
    }
    return Reading(f"{count:,} sockets", count, figures)
