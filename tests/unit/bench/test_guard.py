"""The guard: it barks below the bound, at a miss, and at nothing else."""

import pytest

from tests.bench.guard import BOUNDS, judged
from tests.bench.results import Miss, Sample

SERVERS = ("Parley", "C, one send a message", "aiohttp")


def samples(ours: float = 24.0, *, kilobytes: float = 3.0) -> list[Sample]:
    """Others deliver one a second and core."""
    fan_out = [
        Sample("fan-out", "", server, 2000, {"deliveries/s/core": ours if server == "Parley" else 1.0})
        for server in SERVERS
    ]
    return [*fan_out, Sample("memory", "", "Parley", 2000, {"KB/socket": kilobytes})]


def test_what_is_as_promised_passes_with_a_row_for_each_bound() -> None:
    rows, complaints = judged(samples(), [])
    assert len(rows) == len(BOUNDS)
    assert not complaints


@pytest.mark.parametrize(("ours", "kilobytes", "count"), [(9.9, 3, 1), (5.9, 3, 2), (24, 8.1, 1), (10, 8, 0)])
def test_each_bound_that_does_not_hold_is_a_sentence(ours: float, kilobytes: float, count: int) -> None:
    _, complaints = judged(samples(ours, kilobytes=kilobytes), [])
    assert len(complaints) == count


def test_a_server_that_did_not_run_fails_the_guard() -> None:
    rows, complaints = judged(samples(), [Miss("fan-out", "aiohttp", "there is no pip")])
    assert not rows
    assert complaints == ["aiohttp could not be measured: there is no pip"]
