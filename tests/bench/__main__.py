"""The bench: `python -m tests.bench` measures everything and writes RESULTS.md, `... guard` only holds some bounds."""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import msgspec

from deploy.packages import ensure_packages
from tests.bench.databases import ROOT
from tests.bench.guard import guard
from tests.bench.harness import Place
from tests.bench.machine import machine, today, versions
from tests.bench.parley import Parley
from tests.bench.peers.catalogue import PEERS
from tests.bench.results import Results, Section, markdown, medians
from tests.bench.runner import Runner
from tests.bench.scenario import Scenario
from tests.bench.scenarios.catalogue import scenarios
from tests.bench.servers import CLIENT_CORE

_KEPT = ROOT / "var" / "bench"
_COMMITTED = Path(__file__).parent


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))  # so that what it started ends too
    os.sched_setaffinity(0, {CLIENT_CORE})  # whatever is started without a core of its own stays off the server's
    _KEPT.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="parley-bench-") as folder:
        place = Place(Path(folder), _KEPT)
        return guard(place) if options.what == "guard" else _bench(place, options)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("what", nargs="?", choices=("all", "guard"), default="all")
    parser.add_argument("--only", metavar="SCENARIO", help="scenarios whose name holds this; writes to var/bench")
    parser.add_argument("--quick", action="store_true", help="one round, fewer sizes; writes to var/bench")
    parser.add_argument("--ours", action="store_true", help="without the peers; writes to var/bench")
    return parser


def _bench(place: Place, options: argparse.Namespace) -> int:
    runner = Runner(place)
    chosen = [one for one in scenarios([], quick=options.quick) if (options.only or "") in one.name]
    needs_servers = any(not one.steps for one in chosen)
    servers = runner.usable([Parley(), *(() if options.ours else PEERS)]) if needs_servers else []
    chosen = [one for one in scenarios(servers, quick=options.quick) if (options.only or "") in one.name]
    if not chosen:
        print(f"There is no scenario with {options.only!r} in its name: see tests/bench/scenarios.", file=sys.stderr)
        return 2
    runner.run(chosen)
    is_whole = not (options.only or options.quick or options.ours)
    _write(_results(runner, chosen), _COMMITTED if is_whole else _KEPT / "results")
    return 1 if any(miss.scenario for miss in runner.misses) else 0


def _results(runner: Runner, chosen: Sequence[Scenario]) -> Results:
    sections = [
        Section(one.name, one.meaning, one.rounds, [(plot.figure, plot.axis) for plot in one.plots]) for one in chosen
    ]
    return Results(today(), machine(), versions(), sections, medians(runner.samples), runner.misses)


def _write(results: Results, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "results.json"
    file.write_bytes(msgspec.json.format(msgspec.json.encode(results), indent=1) + b"\n")
    (folder / "RESULTS.md").write_text(markdown(results))
    python = _KEPT / "plots" / "bin" / "python"
    if not python.with_name("pip").exists():  # the last that a new environment gets
        subprocess.run([sys.executable, "-m", "venv", "--clear", _KEPT / "plots"], check=True)
    ensure_packages(python, ROOT / "requirements" / "bench.txt", _KEPT / "pip-plots.log")
    subprocess.run([python, "-m", "tests.bench.plots", file, folder / "plots"], cwd=ROOT, check=True)
    print(f"written: {folder / 'RESULTS.md'}")


if __name__ == "__main__":
    sys.exit(main())
