"""The first minute on a stranger's machine: each thing that is missing is one sentence and exit code 1."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.bootstrap import main, version_problem

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
