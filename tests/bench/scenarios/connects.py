"""A storm of connects: WebSocket handshake, token, rooms. First with tokens nobody has seen, then all once more."""

from collections.abc import Iterator

from tests.bench.harness import Measured, Place, started
from tests.bench.parley import Parley
from tests.bench.scenario import Reading, Scenario, Step

_CLIENTS = 3000


def scenarios() -> list[Scenario]:
    return [
        Scenario(
            name="connect storm",
            meaning="3,000 clients connect at once: handshake, EdDSA token, their room. Then they are cut off and come"
            " back with tokens that the gateway has verified before.",
            steps=[Step("Parley", 10, _measure)],
        )
    ]


def _measure(place: Place) -> Iterator[Reading]:
    with started(place, Parley(), _CLIENTS, connected=False) as bench:
        yield _reading("fresh tokens", bench.measure(f"connect 0 {_CLIENTS}"))
        bench.load.ask(f"drop 0 {_CLIENTS}")
        bench.load.ask("wait 1")
        yield _reading("known tokens", bench.measure(f"connect 0 {_CLIENTS}"))


def _reading(case: str, measured: Measured) -> Reading:
    opened = measured.answer.open
    figures = {
        "connects/s": opened / measured.answer.seconds,
        "us/connect": measured.cpu_us_per(opened),
        "connects/s/core": opened / measured.cpu_seconds,
        "refused": measured.answer.errors,
    }
    return Reading(case, opened, figures)
