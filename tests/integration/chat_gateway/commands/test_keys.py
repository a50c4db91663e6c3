"""The key commands as an administrator uses them: processes, on a database that gateways use."""

import re
from pathlib import Path

import pytest

from tests.integration.chat_gateway.commands.command import run

KEY = re.compile(r"parley_([0-9a-f]{12})_[A-Za-z0-9_-]{43}")


@pytest.fixture
def database(sqlite_url: str) -> str:
    return sqlite_url


def make(database: str, *more: str) -> str:
    done = run(database, "key", "create", "--name", "CI", "--room", "lobby", "--verb", "message.post", *more)
    assert done.returncode == 0, done.stderr
    found = KEY.fullmatch(done.stdout.strip())
    assert found is not None
    assert "not shown again" in done.stderr
    return found.group(1)


def test_a_key_is_made_listed_and_revoked(database: str) -> None:
    key_id = make(database, "--verb", "history.page")
    line = run(database, "key", "list").stdout
    assert line.startswith(f"{key_id}  active  made ")
    assert "rooms lobby  verbs message.post,history.page  CI" in line
    revoked = run(database, "key", "revoke", key_id)
    assert (revoked.returncode, "within 5 s" in revoked.stdout) == (0, True)
    assert f"{key_id}  revoked " in run(database, "key", "list").stdout


def test_the_secret_is_nowhere_in_the_database(database: str) -> None:
    done = run(database, "key", "create", "--name", "CI", "--verb", "people.get")
    secret = done.stdout.strip().rpartition("_")[2].encode()
    folder = Path(database.removeprefix("sqlite:///")).parent
    assert not [path for path in folder.glob("chat.db*") if secret in path.read_bytes()]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["create", "--name", "CI", "--verb", "room.explode"], "no verb room.explode"),
        (["create", "--name", "", "--verb", "people.get"], "1 to 80 printable characters"),
        (["create", "--name", "CI", "--verb", "people.get", "--room", "nowhere"], "no such room"),
        (["revoke", "0123456789ab"], "no such key"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(database: str, arguments: list[str], sentence: str) -> None:
    done = run(database, "key", *arguments)
    assert done.returncode == 1
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
