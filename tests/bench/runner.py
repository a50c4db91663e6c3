"""Runs scenarios round by round and tells how far it is; a server that fails is a line in the results, not the end."""

import subprocess
import time
from collections.abc import Iterator, Sequence

from tests.bench.harness import Place, check
from tests.bench.load.client import LoadError
from tests.bench.results import Miss, Sample
from tests.bench.scenario import Scenario, Step
from tests.bench.servers import Server

FAILURES = (LoadError, OSError, RuntimeError, subprocess.SubprocessError)
_LONGEST_REASON = 200


class Runner:
    """Collects samples and misses."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self.samples: list[Sample] = []
        self.misses: list[Miss] = []

    def usable(self, servers: Sequence[Server]) -> list[Server]:
        """Leave out what cannot run here or does not relay as it must, each with its reason."""
        found = []
        for server in servers:
            print(f"checking {server.name}", flush=True)
            reason = self._reason_against(server)
            if reason is None:
                found.append(server)
            else:
                self._miss("", server.name, reason)
        return found

    def run(self, scenarios: Sequence[Scenario]) -> None:
        todo = list(_in_order(scenarios))
        clock = _Clock(sum(step.seconds for _, _, step in todo))
        for place, (scenario, round_, step) in enumerate(todo, 1):
            of = f", round {round_} of {scenario.rounds}" if scenario.rounds > 1 else ""
            print(f"[{place}/{len(todo)}, {clock.left()}] {scenario.name}{of}: {step.server}", flush=True)
            self._step(scenario, step)
            clock.passed(step.seconds)

    def _step(self, scenario: Scenario, step: Step) -> None:
        try:
            for reading in step.run(self._place):
                sample = Sample(scenario.name, reading.case, step.server, reading.x, reading.figures)
                self.samples.append(sample)
        except FAILURES as error:
            self._miss(scenario.name, step.server, _sentence(error))

    def _reason_against(self, server: Server) -> str | None:
        try:
            reason = server.needs()
            if reason is None:
                check(self._place, server)
        except FAILURES as error:
            return _sentence(error)
        return reason

    def _miss(self, scenario: str, server: str, reason: str) -> None:
        print(f"    {server}: {reason}", flush=True)
        self.misses.append(Miss(scenario, server, reason))


class _Clock:
    """How long it still takes: the guesses of the steps, corrected by how long the steps so far have taken."""

    def __init__(self, guessed: float) -> None:
        self._began, self._left, self._done = time.monotonic(), guessed, 0.0

    def passed(self, seconds: float) -> None:
        self._left -= seconds
        self._done += seconds

    def left(self) -> str:
        pace = (time.monotonic() - self._began) / self._done if self._done else 1.0
        minutes, seconds = divmod(round(self._left * pace), 60)
        return f"{minutes}:{seconds:02} left"


def _in_order(scenarios: Sequence[Scenario]) -> Iterator[tuple[Scenario, int, Step]]:
    for scenario in scenarios:
        for round_ in range(1, scenario.rounds + 1):
            for step in scenario.steps:
                yield scenario, round_, step


def _sentence(error: BaseException) -> str:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    text = lines[0] if len(lines) == 1 else f"{lines[0]} {lines[-1]}"
    return text[:_LONGEST_REASON]
