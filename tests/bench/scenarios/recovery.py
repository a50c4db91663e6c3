"""After a cut: everybody comes back at once and asks for what was missed."""

from collections.abc import Iterator

from tests.bench.harness import Measured, Place
from tests.bench.load.client import LoadClient
from tests.bench.parley import Parley
from tests.bench.processes import cpu_seconds
from tests.bench.scenario import Reading, Scenario, Step
from tests.bench.seeds import Layout
from tests.bench.servers import Client

_CLIENTS = 1000
_MISSED = 100
_LAYOUT = Layout(clients=_CLIENTS + 1)


def scenarios() -> list[Scenario]:
    return [
        Scenario(
            name="recovery",
            meaning="1,000 clients come back at once; each has missed 100 messages of 200 bytes and gets them with its"
            " connect.",
            steps=[Step("Parley", 8, _measure)],
        )
    ]


def _measure(place: Place) -> Iterator[Reading]:
    folder, parley = place.fresh(), Parley(layout=_LAYOUT)
    with parley.site(folder, _LAYOUT.clients) as site:
        gateway = site.gateways[0]
        with LoadClient(place.load, folder, gateway, parley.dialect) as publisher:
            publisher.start(_LAYOUT.posting(1, 1))
            publisher.connect(1)
            publisher.ask(f"burst {_MISSED}")
        epoch = site.database.value("SELECT epoch FROM epoch")
        since = {f"room:{_LAYOUT.room(0)}": {"recover": True, "epoch": epoch, "offset": 0}}
        with LoadClient(place.load, folder, gateway, parley.dialect) as back:
            back.start([Client(_LAYOUT.hello(number, subs=since)) for number in range(1, _LAYOUT.clients)])
            before = cpu_seconds(gateway.processes)
            measured = Measured(back.ask(f"connect 0 {_CLIENTS}"), cpu_seconds(gateway.processes) - before)
    figures = {
        "seconds for all": measured.answer.seconds,
        "us/client": measured.cpu_us_per(measured.answer.open),
        "us/message": measured.cpu_us_per_delivery,
        "refused": measured.answer.errors,
        "messages missing": measured.answer.open * _MISSED - measured.answer.deliveries,
    }
    yield Reading(f"{_CLIENTS:,} clients x {_MISSED} missed", _CLIENTS, figures)
