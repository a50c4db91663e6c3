"""Make's database commands on fresh files, and the quick look that spares `make run` a migration."""

from pathlib import Path

import pytest

from deploy.migrations import main, next_revision
from deploy.schema import SERVICES, heads, is_current, versions

CONFIG = "deploy/config/dev.yml"


@pytest.fixture
def urls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    urls = {service: f"sqlite:///{tmp_path / service}.db" for service in SERVICES}
    monkeypatch.setenv("AUTH_DATABASE_URL", urls["auth_service"])
    monkeypatch.setenv("CHAT_DATABASE_URL", urls["chat_gateway"])
    return urls


@pytest.mark.parametrize("service", SERVICES)
def test_a_database_is_current_after_an_upgrade_and_not_after_a_downgrade(urls: dict[str, str], service: str) -> None:
    assert not is_current(urls[service], versions(service))
    assert main(["upgrade", "--config", CONFIG, service]) == 0
    assert is_current(urls[service], versions(service))
    assert main(["downgrade", "--config", CONFIG, "--to=base", service]) == 0
    assert not is_current(urls[service], versions(service))


def test_a_server_is_never_taken_for_current() -> None:
    assert not is_current("postgresql://auth:pw@127.0.0.1/auth", versions("auth_service"))


@pytest.mark.parametrize("arguments", [["auth_service"], ["--message", "add topic", *SERVICES]])
def test_a_revision_needs_a_message_and_one_service(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["revise", "--config", CONFIG, *arguments]) == 1
    assert capsys.readouterr().err.startswith("Say what and where: make db-revise")


def test_revisions_are_counted_and_the_last_one_is_the_head(tmp_path: Path) -> None:
    assert next_revision(tmp_path) == "0001"
    (tmp_path / "0001_first.py").write_text('revision = "0001"\ndown_revision = None\n')
    (tmp_path / "0002_second.py").write_text("revision: str = '0002'\ndown_revision: str | None = '0001'\n")
    assert next_revision(tmp_path) == "0003"
    assert heads(tmp_path) == {"0002"}
