"""The command line as an operator uses it: processes, exit statuses, one sentence for what they can repair."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent.parent


def run(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("CHAT_", "PARLEY_"))}  # noqa: TID251 - a child's
    command = [sys.executable, "-m", "chat_gateway", *arguments]
    return subprocess.run(
        command, check=False, cwd=ROOT, env={**kept, **settings}, capture_output=True, text=True, timeout=60
    )


def test_migrate_makes_the_tables_and_may_be_repeated(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/chat.db"
    for _ in range(2):
        done = run("migrate", CHAT_DATABASE_URL=url)
        assert done.returncode == 0, done.stderr
    assert (tmp_path / "chat.db").exists()


def test_a_wrong_database_url_is_one_sentence() -> None:
    done = run("migrate", CHAT_DATABASE_URL="mysql://host/chat")
    assert done.returncode == 1
    assert "CHAT_DATABASE_URL" in done.stderr
    assert "Traceback" not in done.stderr


def test_production_does_not_start_without_its_secret() -> None:
    done = run("serve", PARLEY_MODE="production", INTERNAL_KEY="")
    assert done.returncode == 1
    assert "INTERNAL_KEY" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("arguments", [[], ["fly"]])
def test_an_unknown_command_shows_the_known_ones(arguments: list[str]) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert "serve" in done.stderr
