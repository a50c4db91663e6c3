"""Draws the plots of a run: `python -m tests.bench.plots RESULTS.json FOLDER`, by a Python that has matplotlib."""

import sys
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
import msgspec
from matplotlib import pyplot as plt

from tests.bench.results import Results, Sample, Section, plot_name

_ENDINGS = ("png", "svg")
_INCHES = (8, 5)
_OURS = "Parley"


def draw(results: Results, folder: Path) -> None:
    mpl.use("Agg")
    mpl.rcParams["svg.hashsalt"] = "parley"  # the same figures give the same file
    folder.mkdir(parents=True, exist_ok=True)
    for section in results.sections:
        own = [sample for sample in results.samples if sample.scenario == section.scenario]
        for figure, axis in section.plots:
            _draw(section, own, figure, axis, folder)


def _draw(section: Section, samples: Sequence[Sample], figure: str, axis: str, folder: Path) -> None:
    lines: defaultdict[str, list[tuple[float, float]]] = defaultdict(list)
    for sample in samples:
        if sample.figures.get(figure):
            lines[sample.server].append((sample.x, sample.figures[figure]))
    drawing, axes = plt.subplots(figsize=_INCHES, layout="constrained")
    for server, points in lines.items():
        width = 3 if server.startswith(_OURS) else 1.2
        axes.plot(*zip(*sorted(points), strict=True), marker="o", label=server, linewidth=width)
    axes.set(title=section.scenario, xlabel=axis, ylabel=figure, xscale="log", yscale="log")
    axes.grid(visible=True, which="both", alpha=0.2)
    if len(lines) > 1:
        axes.legend(fontsize="small")
    for ending in _ENDINGS:
        metadata = {"Date": None} if ending == "svg" else {}
        drawing.savefig(folder / f"{plot_name(section.scenario, figure)}.{ending}", dpi=120, metadata=metadata)
    plt.close(drawing)


if __name__ == "__main__":
    draw(msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=Results), Path(sys.argv[2]))
