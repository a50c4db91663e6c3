"""Many rooms: small ones with a stream of messages each, and clients that are in many rooms at once."""

from collections.abc import Iterator
from functools import partial

from tests.bench.harness import Place, started
from tests.bench.parley import Parley
from tests.bench.scenario import Reading, Scenario, Step
from tests.bench.seeds import Layout

_SMALL = Layout(clients=1000, rooms=1000, members=10)
_MANY = Layout(clients=300, rooms=300, members=200)
_RATES = (200, 1000, 2000)


def scenarios() -> list[Scenario]:
    return [
        Scenario(
            name="1,000 rooms of 10",
            meaning="1,000 clients in 10 rooms each, 500 of them post by turns.",
            steps=[Step("Parley", 8, partial(_measure, _SMALL, 500))],
        ),
        Scenario(
            name="200 rooms a client",
            meaning="300 clients in 200 of 300 rooms each, 100 of them post by turns; also what a socket takes then.",
            steps=[Step("Parley", 10, partial(_measure, _MANY, 100))],
        ),
    ]


def _measure(layout: Layout, publishers: int, place: Place) -> Iterator[Reading]:
    with started(place, Parley(layout=layout), layout.clients, publishers, connected=False) as bench:
        before = bench.resident_bytes()
        bench.load.connect(layout.clients)
        socket = (bench.resident_bytes() - before) / layout.clients / 1024
        for rate in _RATES:
            measured = bench.measure(f"publish 1 {rate}")
            figures = {"us/post": measured.cpu_us_per(measured.answer.acks), **measured.figures(), "KB/socket": socket}
            yield Reading(f"{rate:,} messages/s", rate, figures)
