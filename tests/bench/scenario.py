"""What a scenario of the bench is: steps, each on one server, that are run round by round and give readings.

All steps of a round are done before the next round begins, so that servers that are compared share the machine's moods.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from tests.bench.harness import Place


@dataclass(frozen=True)
class Reading:
    """Figures of one case; `x` is where the case stands on a plot's axis."""

    case: str
    x: float
    figures: dict[str, float]


@dataclass(frozen=True)
class Step:
    """`seconds` is a guess, for the time that is left."""

    server: str
    seconds: float
    run: Callable[[Place], Iterable[Reading]]


@dataclass(frozen=True)
class Plot:
    """One line a server: a figure over x, both axes logarithmic."""

    figure: str
    axis: str


@dataclass(frozen=True)
class Scenario:
    name: str
    meaning: str
    steps: Sequence[Step]
    rounds: int = 1
    plots: Sequence[Plot] = ()
