"""The keeper: what dies is started again, what is stopped stays stopped, and nothing is left behind."""

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.keep import is_there
from tests.faults import eventually

KEEP = Path(__file__).resolve().parents[3] / "deploy" / "keep.py"
# says its own pid and that of a child of its own, and counts the stop signals it gets
PROGRAM = """
import os, pathlib, signal, subprocess, sys
folder = pathlib.Path(sys.argv[1])
stops = []
def stop(*_):
    stops.append(1)
    (folder / "stops").write_text(str(len(stops)))
    if "stubborn" not in sys.argv:
        sys.exit(0)
signal.signal(signal.SIGTERM, stop)
child = subprocess.Popen(["sleep", "60"])
with (folder / "pids").open("a") as file:
    file.write(f"{os.getpid()} {child.pid}\\n")
while True:
    signal.pause()
"""


class Kept:
    def __init__(self, folder: Path, owner: int) -> None:
        self.folder = folder
        program = [sys.executable, "-c", PROGRAM, str(folder)]
        self.keeper = subprocess.Popen(
            [sys.executable, str(KEEP), "--while", str(owner), "--", *program], start_new_session=True
        )

    def starts(self) -> list[tuple[int, int]]:
        file = self.folder / "pids"
        rows = [row.split() for row in file.read_text().splitlines()] if file.exists() else []
        return [(int(own), int(child)) for own, child in rows]

    async def started(self, times: int) -> tuple[int, int]:
        await eventually(lambda: len(self.starts()) == times)
        return self.starts()[-1]

    def nothing_is_left(self) -> bool:
        return not any(is_running(pid) for pids in self.starts() for pid in pids)


def is_running(pid: int) -> bool:
    """Whether it is there and is more than a zombie that nobody has waited for."""
    if not is_there(pid):
        return False
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
    return bool(state.strip()) and not state.startswith("Z")


@pytest.fixture
async def kept(tmp_path: Path, owner: subprocess.Popen[bytes]) -> Kept:
    program = Kept(tmp_path, owner.pid)
    await program.started(1)
    return program


async def test_a_killed_program_is_started_again_without_what_it_left(kept: Kept) -> None:
    first, its_child = await kept.started(1)
    os.kill(first, signal.SIGKILL)
    second, _ = await kept.started(2)
    assert second != first
    await eventually(lambda: not is_running(its_child))
    kept.keeper.terminate()
    assert kept.keeper.wait(5) == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_stop_signal_is_passed_on_once_and_ends_the_keeper(kept: Kept, number: signal.Signals) -> None:
    # the process manager signals the whole group, as here
    os.killpg(kept.keeper.pid, number)
    assert kept.keeper.wait(5) == 0
    assert (kept.folder / "stops").read_text() == "1"
    assert len(kept.starts()) == 1
    await eventually(kept.nothing_is_left)


async def test_a_program_ends_with_its_owner_however_that_died(kept: Kept, owner: subprocess.Popen[bytes]) -> None:
    owner.kill()
    owner.wait()
    assert kept.keeper.wait(5) == 0
    await eventually(kept.nothing_is_left)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process that its parent died")
async def test_a_program_is_stopped_when_its_keeper_is_killed(kept: Kept) -> None:
    program, its_child = await kept.started(1)
    kept.keeper.kill()
    kept.keeper.wait()
    await eventually(lambda: not is_running(program))
    assert (kept.folder / "stops").read_text() == "1"
    os.kill(its_child, signal.SIGKILL)


def test_a_program_that_ends_at_once_five_times_ends_its_keeper(owner: subprocess.Popen[bytes]) -> None:
    command = [sys.executable, str(KEEP), "--while", str(owner.pid), "--", "sh", "-c", "echo tried; exit 3"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stdout.count("tried") == 5
    assert "the last time with 3: giving up" in done.stdout


async def test_what_a_program_writes_is_its_owners_alone(kept: Kept) -> None:
    assert stat.S_IMODE((kept.folder / "pids").stat().st_mode) == 0o600
    kept.keeper.terminate()
    assert kept.keeper.wait(5) == 0
