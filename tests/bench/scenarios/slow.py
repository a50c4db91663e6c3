"""Readers that stop reading, among others that do not: what the others notice, and what the gateway keeps for them."""

from collections.abc import Iterator

from tests.bench.harness import Bench, Place, started
from tests.bench.parley import Parley
from tests.bench.scenario import Reading, Scenario, Step

_CLIENTS = 1000
_SLOW = 100


def scenarios() -> list[Scenario]:
    return [
        Scenario(
            name="slow readers",
            meaning="1,000 clients, 500 messages/s; then 100 of them stop reading, and are closed when too much waits.",
            steps=[Step("Parley", 14, _measure)],
        )
    ]


def _measure(place: Place) -> Iterator[Reading]:
    with started(place, Parley(), _CLIENTS) as bench:
        yield _reading(bench, "all read", 0)
        bench.load.ask(f"slow {_CLIENTS - _SLOW} {_CLIENTS}")
        yield _reading(bench, "100 do not read", _SLOW)


def _reading(bench: Bench, case: str, slow: int) -> Reading:
    before = bench.resident_bytes()
    measured = bench.measure("publish 3 500")
    grown = (bench.resident_bytes() - before) / 1024**2
    missing = measured.answer.published * (_CLIENTS - slow) - measured.answer.deliveries
    return Reading(case, slow, {**measured.figures(), "missing to readers": max(0, missing), "MB more": grown})
