"""The first minute on a stranger's machine: each thing that is missing is one sentence and exit code 1."""

import ast
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.bootstrap import main, version_problem
from deploy.start import make_private

ROOT = Path(__file__).resolve().parents[3]


def bootstrap(python: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [python, "-m", "deploy.bootstrap", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_a_python_that_is_too_old_is_named_with_the_one_that_is_needed() -> None:
    assert "needs Python 3.11 or newer and this is Python 3.9" in version_problem(3, 9)
    assert version_problem(3, 11) == version_problem(4, 0) == ""


def test_an_old_python_gets_the_sentence_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ast.parse((ROOT / "deploy" / "bootstrap.py").read_text("utf-8"), feature_version=(3, 6))
    monkeypatch.setattr(sys, "version_info", (3, 6, 15, "final", 0))
    assert main() == 1
    told = capsys.readouterr()
    assert told.err.startswith("Parley needs Python 3.11 or newer and this is Python 3.6")
    assert (told.err.count("\n"), told.out) == (1, "")


@pytest.mark.parametrize("port", ["80", "65530", "http", "", "-1", "\u0668\u0660\u0668\u0660"])
def test_a_port_that_is_none_is_one_sentence(port: str) -> None:
    done = bootstrap(sys.executable, "run", f"--port={port}")
    assert done.returncode == 1
    assert done.stderr.startswith("PORT must be a number from 1024 to 65522")
    assert done.stderr.count("\n") == 1


MADE_BY_RUN = """
import os, pathlib, sys
from deploy import start
start.ROOT = pathlib.Path(sys.argv[1])
start.check_ports = start.ensure_packages = lambda *_: None
start.ensure_venv = lambda _: pathlib.Path(sys.executable)
program = "import pathlib; pathlib.Path('var/run.env').touch(); pathlib.Path('var/.lock').touch()"
go_on = os.execv
os.execv = lambda python, _: go_on(python, [sys.executable, "-c", program])
start.main(["run", "--port", "20000"])
"""


def test_what_a_run_makes_is_its_owners_alone(tmp_path: Path) -> None:
    (tmp_path / "var").mkdir(mode=0o755)
    subprocess.run([sys.executable, "-c", MADE_BY_RUN, str(tmp_path)], cwd=ROOT, check=True)
    made = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "var", *(tmp_path / "var").iterdir())}
    assert made == {"var": 0o700, "run.env": 0o600, ".lock": 0o600}


def test_folder_of_logs_is_private_from_its_beginning(tmp_path: Path) -> None:
    make_private(tmp_path / "var")
    assert stat.S_IMODE((tmp_path / "var").stat().st_mode) == 0o700
