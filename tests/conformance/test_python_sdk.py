"""The Python SDK's own suite, unchanged, against the gateway's engine: JSON and Protobuf."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conformance import sdk_source
from tests.conformance.instances import running

TESTS = 185


@pytest.mark.timeout(300)
def test_the_suite_of_the_python_sdk_passes_whole(tmp_path: Path) -> None:
    with running(tmp_path / "server.log") as address:
        source = sdk_source.unpack(tmp_path, address)
        command = [sys.executable, "-m", "unittest", "discover", "-s", "tests", "-t", "."]
        run = subprocess.run(command, cwd=source, capture_output=True, text=True, timeout=240, check=False)
    ending = run.stderr[-4_000:]
    failed = re.findall(r"^(?:FAIL|ERROR): .*", run.stderr, re.MULTILINE)
    assert run.returncode == 0, [*failed, ending]
    assert f"Ran {TESTS} tests" in ending
    assert re.search(r"^OK$", ending, re.MULTILINE), "some tests were skipped"
    assert '"level": "error"' not in (tmp_path / "server.log").read_text()
