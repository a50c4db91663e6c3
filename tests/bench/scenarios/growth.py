"""Growth: what a post and a delivery cost as rooms, members and messages grow ten and a hundred times.

Everything but what grows stays: ten receivers a post, 200 posts/s. A line that rises with it is a fault.
"""

from collections.abc import Iterator
from functools import partial

from tests.bench.harness import Place, started
from tests.bench.parley import Parley
from tests.bench.scenario import Plot, Reading, Scenario, Step
from tests.bench.seeds import Layout

_CONNECTED = 10
_LAYOUTS = {
    "rooms": [
        (rooms, Layout(clients=_CONNECTED * rooms, rooms=rooms, members=_CONNECTED)) for rooms in (10, 100, 1000)
    ],
    "members": [(members, Layout(clients=members)) for members in (100, 1000, 10_000)],
    "messages": [(messages, Layout(clients=_CONNECTED, messages=messages)) for messages in (1000, 10_000, 100_000)],
}


def scenarios() -> list[Scenario]:
    return [
        Scenario(
            name=f"growth of {what}",
            meaning=f"Ten connected receivers a post, 200 posts/s, while the {what} of the database grow.",
            steps=[Step("Parley", 5, partial(_measure, what, size, layout)) for size, layout in layouts],
            rounds=2,
            plots=[Plot("us/post", what), Plot("us/delivery", what)],
        )
        for what, layouts in _LAYOUTS.items()
    ]


def _measure(what: str, size: int, layout: Layout, place: Place) -> Iterator[Reading]:
    with started(place, Parley(layout=layout), _CONNECTED) as bench:
        bench.measure("publish 0.5 200")
        measured = bench.measure("publish 1.5 200")
        answer = measured.answer
        figures = {
            "us/post": measured.cpu_us_per(answer.acks),
            "us/delivery": measured.cpu_us_per_delivery,
            "answer p50 ms": answer.ack_p50_us / 1000,
            "answer p99 ms": answer.ack_p99_us / 1000,
        }
        yield Reading(f"{size:,} {what}", size, figures)
