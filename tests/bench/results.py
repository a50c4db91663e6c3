"""What a run has found: medians over its rounds, as JSON and as Markdown tables."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from statistics import median

import msgspec

_BIG, _MIDDLE = 1000, 10
_METHOD = (
    "`make bench` makes this file. Server and load client each have a core of their own; rounds are interleaved over"
    " the servers, figures are their medians. The figure to compare is the server's CPU time for a delivery"
    " (us/delivery): absolute numbers vary with the machine, ratios within a run hardly do."
)


class Sample(msgspec.Struct, frozen=True):
    """The figures of one server in one case of a scenario."""

    scenario: str
    case: str
    server: str
    x: float
    figures: dict[str, float]


class Miss(msgspec.Struct, frozen=True):
    """Why a server has no figures in a scenario."""

    scenario: str
    server: str
    reason: str


class Section(msgspec.Struct, frozen=True):
    """A scenario as a reader of the results sees it; `plots` are pairs of a figure and the name of its axis."""

    scenario: str
    meaning: str
    rounds: int
    plots: list[tuple[str, str]]


class Results(msgspec.Struct, frozen=True):
    date: str
    machine: str
    versions: str
    sections: list[Section]
    samples: list[Sample]
    misses: list[Miss]


def medians(samples: Iterable[Sample]) -> list[Sample]:
    """Join the rounds: one sample a scenario, case and server, in the order of their first appearance."""
    rounds: defaultdict[tuple[str, str, str], list[Sample]] = defaultdict(list)
    for sample in samples:
        rounds[sample.scenario, sample.case, sample.server].append(sample)
    return [_joined(group) for group in rounds.values()]


def _joined(group: Sequence[Sample]) -> Sample:
    names = dict.fromkeys(name for sample in group for name in sample.figures)
    figures = {name: median(s.figures[name] for s in group if name in s.figures) for name in names}
    return msgspec.structs.replace(group[0], figures=figures)


def ratio(samples: Iterable[Sample], figure: str, *, of: str, to: str) -> float:
    """Divide one server's figure by another's, in the only case that the samples hold of both."""
    values = {sample.server: sample.figures[figure] for sample in samples}
    return values[of] / values[to]


def table(samples: Sequence[Sample]) -> str:
    """Lay the figures out: a row a case and server, cases together, a column a figure."""
    names = list(dict.fromkeys(name for sample in samples for name in sample.figures))
    cases = list(dict.fromkeys(sample.case for sample in samples))
    rows = [["case", "server", *names], ["---", "---", *("--:" for _ in names)]]
    for sample in sorted(samples, key=lambda sample: cases.index(sample.case)):
        cells = [number(sample.figures[name]) if name in sample.figures else "" for name in names]
        rows.append([sample.case, sample.server, *cells])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def number(value: float) -> str:
    """Three digits that mean something, thousands apart."""
    if abs(value) >= _BIG:
        return f"{float(f'{value:.3g}'):,.0f}"
    return f"{value:.0f}" if value == int(value) else f"{value:.3g}" if abs(value) < _MIDDLE else f"{value:.1f}"


def plot_name(scenario: str, figure: str) -> str:
    return f"{scenario} {figure}".replace("/", " per ").replace(",", "").replace(" ", "-")


def markdown(results: Results) -> str:
    parts = [
        "# What the bench has measured",
        f"{results.date}, {results.machine}. {results.versions}",
        _METHOD,
    ]
    for section in results.sections:
        own = [sample for sample in results.samples if sample.scenario == section.scenario]
        rounds = f" {section.rounds} rounds." if section.rounds > 1 else ""
        parts += [f"## {section.scenario}", section.meaning + rounds]
        parts += [table(own)] if own else []
        parts += [
            f"![{figure} by {axis}](plots/{plot_name(section.scenario, figure)}.svg)" for figure, axis in section.plots
        ]
        parts += [f"{m.server}: {m.reason}" for m in results.misses if m.scenario == section.scenario]
    parts += ["## Left out", *(f"{miss.server}: {miss.reason}" for miss in results.misses if not miss.scenario)]
    return "\n\n".join(parts if results.misses else parts[:-1]) + "\n"
