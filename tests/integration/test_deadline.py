"""Hangs that pytest-timeout lets pass, each in a pytest of its own."""

import subprocess
import sys
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import pytest

ROOT = Path(__file__).resolve().parents[2]
# its teardown hangs after the timeout has failed the test
STUCK_TEARDOWN = """
import subprocess, threading, pytest

@pytest.fixture
def stuck():
    child = subprocess.Popen(["sleep", "60"], start_new_session=True)
    open("child", "w").write(str(child.pid))
    yield
    threading.Event().wait()

@pytest.mark.timeout(1)
def test_it(stuck):
    assert False
"""
# the alarm hits the other task, which dies of it alone
LOST_ALARM = """
import asyncio, pathlib, time, pytest

async def busy():
    while True:
        time.sleep(0.1)
        await asyncio.sleep(0)

@pytest.mark.timeout(1)
async def test_it():
    pathlib.Path("child").write_text("0")
    task = asyncio.create_task(busy())
    await asyncio.Event().wait()
"""


@pytest.mark.parametrize("text", [STUCK_TEARDOWN, LOST_ALARM], ids=["teardown", "alarm"])
def test_a_hang_that_escapes_the_timeout_ends_with_stacks_and_leaves_no_orphan(tmp_path: Path, text: str) -> None:
    (tmp_path / "test_it.py").write_text(text)
    (tmp_path / "conftest.py").write_text("from tests.conftest import pytest_configure, pytest_runtest_protocol")
    (tmp_path / "pytest.ini").write_text(f"[pytest]\ntimeout = 60\nasyncio_mode = auto\npythonpath = {ROOT}\n")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_it.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 1
    assert "test_it has not ended after 2 s:" in done.stderr
    assert 'test_it.py", line' in done.stderr
    pid = int((tmp_path / "child").read_text())
    assert not pid or not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
