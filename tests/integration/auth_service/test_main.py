import asyncio
import getpass
import io
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiohttp import ClientSession

from auth_service.__main__ import main
from auth_service.settings import AuthSettings
from auth_service.store.database import Database
from tests.faults import eventually, free_port
from tests.processes import end

ENVIRONMENT = {"PARLEY_MODE": "demo", "INTERNAL_KEY": "i" * 32, "REDIS_URL": "redis://127.0.0.1:1/0"}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, migrated_url: str) -> None:
    for field in AuthSettings.model_fields:
        monkeypatch.delenv(AuthSettings.env_name(field), raising=False)
    for name, value in {**ENVIRONMENT, "AUTH_DATABASE_URL": migrated_url}.items():
        monkeypatch.setenv(name, value)


CREATE = ["user", "create", "--email", "Ann@example.org", "--name", "Ann"]


async def email_exists(database: Database) -> bool:
    async with database.reading() as tx:
        return await tx.users.find_by_email("ann@example.org") is not None


async def test_account_is_made_with_a_password_from_stdin(
    database: Database, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("correct horse\n"))
    assert await asyncio.to_thread(main, [*CREATE, "--password-stdin"]) == 0
    assert "ann@example.org may log in now" in capsys.readouterr().out
    assert await email_exists(database)


async def test_account_is_made_with_a_password_typed_twice(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(getpass, "getpass", lambda _prompt: "correct horse")
    assert await asyncio.to_thread(main, CREATE) == 0
    assert await email_exists(database)


async def test_passwords_that_differ_make_no_account(
    database: Database, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    typed = iter(["correct horse", "correct house"])
    monkeypatch.setattr(getpass, "getpass", lambda _prompt: next(typed))
    assert await asyncio.to_thread(main, CREATE) == 1
    assert capsys.readouterr().err == "The two passwords differ. Start again.\n"
    assert not await email_exists(database)


async def test_refused_account_is_a_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("short\n"))
    assert await asyncio.to_thread(main, [*CREATE, "--password-stdin"]) == 1
    assert capsys.readouterr().err == "The password is too short. Choose 8 characters or more.\n"


def test_migrate_brings_the_database_up(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "some.yml"
    file.write_text(f"auth: {{database_url: 'sqlite:///{tmp_path}/new/auth.db'}}")
    monkeypatch.delenv("AUTH_DATABASE_URL")
    assert main(["migrate", "--config", str(file)]) == 0
    assert (tmp_path / "new" / "auth.db").exists()


def test_migrate_without_a_database_is_a_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AUTH_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/nothing")
    assert main(["migrate"]) == 1
    assert "Check AUTH_DATABASE_URL." in capsys.readouterr().err
    monkeypatch.setenv("AUTH_DATABASE_URL", "oracle://x")
    assert main(["migrate"]) == 1
    assert "AUTH_DATABASE_URL" in capsys.readouterr().err


def test_settings_that_do_not_allow_a_start_are_listed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PARLEY_MODE", "production")
    monkeypatch.setenv("PUBLIC_URL", "http://chat.example.org")
    assert main(["serve"]) == 1
    written = capsys.readouterr().err
    assert "PUBLIC_URL: is plain http off this machine" in written
    assert "AUTH_REFRESH_KEYS: is missing" in written


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[subprocess.Popen[bytes]]:
    monkeypatch.setenv("AUTH_PORT", str(free_port()))
    monkeypatch.setenv("AUTH_OPS_PORT", str(free_port()))
    command = [sys.executable, "-m", "auth_service", "serve"]
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(command, stderr=log, start_new_session=True)
    yield process
    end(process)


async def test_served_process_answers_and_stops_at_sigterm(served: subprocess.Popen[bytes], tmp_path: Path) -> None:
    settings, log = AuthSettings.load(None, "auth"), tmp_path / "log"
    await eventually(lambda: '"serving"' in log.read_text() or served.poll() is not None, seconds=60)
    async with ClientSession() as session:
        async with session.get(f"http://127.0.0.1:{settings.ops_port}/readyz") as ready:
            assert ready.status == 200
        body = {"email": "dog1@test.com", "password": "dog1"}
        async with session.post(f"http://127.0.0.1:{settings.port}/auth/login", json=body) as logged_in:
            assert logged_in.status == 200
    end(served)
    assert served.returncode == 0
    assert "Traceback" not in log.read_text()


async def test_port_that_is_taken_is_a_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        monkeypatch.setenv("AUTH_OPS_PORT", str(other.getsockname()[1]))
        monkeypatch.setenv("AUTH_PORT", str(free_port()))
        monkeypatch.setattr("auth_service.__main__.logs.configure", lambda *_: None)
        monkeypatch.setattr("shared.web.stop_signal", asyncio.Event)
        assert await asyncio.to_thread(main, ["serve"]) == 1
    assert "is taken by another program" in capsys.readouterr().err
