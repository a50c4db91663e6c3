"""Every setting is in env.example and reaches its service by docker-compose.yml; `make env` makes a .env."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from auth_service.settings import AuthSettings
from chat_gateway.settings import ChatSettings
from deploy.make_env import fill_in, write
from shared.settings import SharedSettings

ROOT = Path(__file__).resolve().parents[3]
EXAMPLE = ROOT / "deploy" / "env.example"
OF_COMPOSE = {"PORT", "PARLEY_NETWORK", "POSTGRES_PASSWORD", "AUTH_DATABASE_PASSWORD", "CHAT_DATABASE_PASSWORD"}
CHOSEN_BY_EACH_CONTAINER = {"CHAT_INSTANCE"}


def names(settings: type[SharedSettings]) -> set[str]:
    return {settings.env_name(field) for field in settings.model_fields}


def listed() -> dict[str, tuple[str, str]]:
    """Give every name of the example with its value and the comment above it."""
    found: dict[str, tuple[str, str]] = {}
    above = ""
    for line in EXAMPLE.read_text("utf-8").splitlines():
        if setting := re.fullmatch(r"(?:# )?([A-Z][A-Z_]+)=(.*)", line):
            assert setting[1] not in found, f"{setting[1]} is there twice"
            found[setting[1]] = (setting[2], above)
        above = line
    return found


def written(value: object) -> str:
    """As a person writes it into the environment."""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)


def test_the_example_lists_every_setting_and_no_other_with_a_comment() -> None:
    assert set(listed()) == names(AuthSettings) | names(ChatSettings) | OF_COMPOSE
    for name, (_, above) in listed().items():
        assert above.startswith("# "), f"{name} has no comment"


@pytest.mark.parametrize("settings", [AuthSettings, ChatSettings])
def test_the_example_shows_the_defaults(settings: type[SharedSettings]) -> None:
    for field, info in settings.model_fields.items():
        shown = listed()[settings.env_name(field)][0]
        if shown and not shown.startswith(("<", "first:<")):
            assert written(info.get_default()) == shown, field


@pytest.mark.parametrize(("service", "settings"), [("auth_service", AuthSettings), ("chat_gateway", ChatSettings)])
def test_compose_hands_every_setting_to_its_service(service: str, settings: type[SharedSettings]) -> None:
    compose: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
    assert set(compose["services"][service]["environment"]) == names(settings) - CHOSEN_BY_EACH_CONTAINER


def test_a_fresh_env_has_secrets_of_its_own_that_the_services_accept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert write(EXAMPLE, tmp_path / ".env")
    assert (tmp_path / ".env").stat().st_mode & 0o777 == 0o600
    lines = (tmp_path / ".env").read_text("utf-8").splitlines()
    values = dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
    assert not any("<" in value for value in values.values())
    assert values["INTERNAL_KEY"] not in fill_in(EXAMPLE.read_text("utf-8"))
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    assert AuthSettings.load(None, "auth").parley_mode == ChatSettings.load(None, "chat").parley_mode == "production"


def test_an_env_that_is_there_is_never_touched(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("mine")
    assert not write(EXAMPLE, tmp_path / ".env")
    assert (tmp_path / ".env").read_text() == "mine"
