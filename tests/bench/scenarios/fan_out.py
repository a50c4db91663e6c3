"""One room: what a delivery costs by how many listen and how often somebody speaks, in all servers.

A server that no longer delivers what is offered is saturated; then only the highest rate is left to be seen.
"""

from collections.abc import Iterator, Sequence
from functools import partial

from tests.bench.harness import Place, started
from tests.bench.scenario import Plot, Reading, Scenario, Step
from tests.bench.servers import Server

_RATES = {100: (10, 500, 2000), 1000: (1, 10, 100, 500, 2000), 5000: (1, 20, 400)}
_SATURATED = 0.9
_LONG_SECONDS = 3.0
_LONG_BELOW = 5


def scenarios(servers: Sequence[Server], *, quick: bool) -> list[Scenario]:
    sizes = (1000,) if quick else tuple(_RATES)
    return [
        Scenario(
            name=f"one room of {count:,}",
            meaning=f"One publisher, {count:,} connections in one room, 200 bytes a message; rates in messages/s.",
            steps=[
                Step(server.name, 3 + count / 1000 + 1.5 * len(_RATES[count]), partial(_measure, server, count))
                for server in servers
            ],
            rounds=3 if count == 1000 and not quick else 1,
            plots=[Plot("us/delivery", "messages/s"), Plot("p99 ms", "messages/s")],
        )
        for count in sizes
    ]


def _measure(server: Server, count: int, place: Place) -> Iterator[Reading]:
    rates = _RATES[count]
    with started(place, server, count) as bench:
        bench.load.ask("wait 0.3")
        is_saturated = False
        for rate in rates:
            if is_saturated and rate != rates[-1]:
                continue
            measured = bench.measure(f"publish {_LONG_SECONDS if rate < _LONG_BELOW else 1} {rate}")
            is_saturated |= measured.answer.deliveries < _SATURATED * measured.answer.published * count
            yield Reading(f"{rate:,} messages/s", rate, measured.figures())
