"""`make run` as it is: everything starts, a killed gateway comes back, and a stop leaves no process and no port."""

import os
import re
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import psutil  # type: ignore[import-untyped]
import pytest

from deploy.checks import check_ports
from deploy.ports import Ports
from tests.faults import eventually
from tests.processes import end
from tests.stack import ROOT, free_ports

READY_SECONDS = 90
Running = tuple[subprocess.Popen[bytes], Ports, Path]


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    ports, log = free_ports(), tmp_path / "log"
    tmp_path.chmod(0o755)
    databases = {name: f"sqlite:///{tmp_path}/{name}.db" for name in ("AUTH_DATABASE_URL", "CHAT_DATABASE_URL")}
    environment = {**os.environ, **databases}  # noqa: TID251 -- a child needs its parent's
    command = [sys.executable, "-m", "deploy.serve", str(ports.front), str(tmp_path)]
    with log.open("wb") as file:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=file, stderr=file, start_new_session=True)
    yield process, ports, log
    end(process)


async def ready(running: Running) -> set[int]:
    """Wait for the address on the screen, give all processes there are."""
    process, ports, log = running
    address = f"Parley is ready:  http://localhost:{ports.front}"
    await eventually(lambda: address in log.read_text() or process.poll() is not None, seconds=READY_SECONDS)
    assert process.poll() is None, log.read_text()
    assert "dog1@test.com / dog1" in log.read_text()
    return {process.pid, *(child.pid for child in psutil.Process(process.pid).children(recursive=True))}


def left_of(pids: set[int]) -> list[str]:
    return [psutil.Process(pid).name() for pid in pids if psutil.pid_exists(pid)]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_stop_leaves_nothing(running: Running, number: signal.Signals) -> None:
    pids = await ready(running)
    process, ports, log = running
    assert len(pids) > 15
    assert stat.S_IMODE(log.parent.stat().st_mode) == 0o700, "the databases are for their owner only"
    process.send_signal(number)
    assert process.wait(10) == 0
    assert log.read_text().endswith("Stopped.\n")
    await eventually(lambda: not left_of(pids))
    check_ports(ports)


async def test_a_killed_gateway_takes_nobody_along_and_comes_back(running: Running) -> None:
    before = await ready(running)
    process, ports, log = running
    (gateway,) = (
        pid for pid in before if any(c.laddr.port == ports.gateways[0] for c in psutil.Process(pid).net_connections())
    )
    os.kill(gateway, signal.SIGKILL)
    pattern = re.compile(r"gateway1\.1 .*ended with -9, starting again in 0\.2 s")
    await eventually(lambda: pattern.search(log.read_text()))
    async with aiohttp.request("GET", f"http://localhost:{ports.front}/.well-known/jwks.json") as answer:
        assert answer.status == 200
    await eventually(lambda: log.read_text().count('"instance": "gateway1"') == 2)
    assert process.poll() is None
