"""Conformance servers as processes on free loopback ports."""

import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.faults import free_port
from tests.processes import end

ROOT = Path(__file__).resolve().parent.parent.parent
_READY_SECONDS = 30


@contextmanager
def running(log: Path, *options: str) -> Iterator[str]:
    """Run one server with these options; gives its `host:port`."""
    address = f"127.0.0.1:{free_port()}"
    command = [sys.executable, "-m", "tests.conformance.server", "--port", address.rpartition(":")[2], *options]
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=output, start_new_session=True)
    try:
        _wait_for(process, address, log)
        yield address
    finally:
        end(process)


def _wait_for(process: subprocess.Popen[bytes], address: str, log: Path) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    while not _answers(address):
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"The conformance server does not answer:\n{log.read_text()}")
        time.sleep(0.05)


def _answers(address: str) -> bool:
    try:
        urllib.request.urlopen(f"http://{address}/connection/websocket", timeout=1)
    except urllib.error.HTTPError:
        return True  # it is no page, but there is a server
    except OSError:
        return False
    return True
