"""All scenarios, in the order of the results."""

from collections.abc import Sequence

from tests.bench.scenario import Scenario
from tests.bench.scenarios import (
    connects,
    durable,
    fan_out,
    growth,
    idle,
    reading,
    recovery,
    relay,
    rooms,
    slow,
)
from tests.bench.servers import Server


def scenarios(servers: Sequence[Server], *, quick: bool) -> list[Scenario]:
    """The servers are compared by fan-out; the others are scenarios of our own gateway."""
    return [
        *fan_out.scenarios(servers, quick=quick),
        *rooms.scenarios(),
        *relay.scenarios(),
        *durable.scenarios(),
        *connects.scenarios(),
        *idle.scenarios(),
        *slow.scenarios(),
        *recovery.scenarios(),
        *reading.scenarios(quick=quick),
        *growth.scenarios(),
    ]
