"""Two gateways: from a post at one of them to the delivery by the other, through the database and Valkey."""

from collections.abc import Iterator

from tests.bench.harness import Measured, Place
from tests.bench.load.client import LoadClient
from tests.bench.parley import Parley
from tests.bench.processes import cpu_seconds
from tests.bench.scenario import Plot, Reading, Scenario, Step

_LISTENERS = 1000
_SECONDS = 2
_RATES = (10, 200, 1000, 2000)


def scenarios() -> list[Scenario]:
    return [
        Scenario(
            name="relay across two gateways",
            meaning="A post at one gateway reaches 1,000 clients of the other. The two share a core; CPU of both.",
            steps=[Step("Parley", 18, _measure)],
            plots=[Plot("p99 ms", "messages/s")],
        )
    ]


def _measure(place: Place) -> Iterator[Reading]:
    folder, parley, count = place.fresh(), Parley(), _LISTENERS + 1
    clients = parley.clients(count, 1)
    with (
        parley.site(folder, count, gateways=2) as site,
        LoadClient(place.load, folder, site.gateways[0], parley.dialect) as here,
        LoadClient(place.load, folder, site.gateways[1], parley.dialect) as there,
    ):
        here.start(clients[:1])
        there.start(clients[1:])
        here.connect(1)
        there.connect(_LISTENERS)
        for rate in _RATES:
            before = cpu_seconds(site.processes)
            there.tell(f"wait {_SECONDS + 0.5}")
            here.ask(f"publish {_SECONDS} {rate}")
            measured = Measured(there.answer(), cpu_seconds(site.processes) - before)
            yield Reading(f"{rate:,} messages/s", rate, measured.figures())
