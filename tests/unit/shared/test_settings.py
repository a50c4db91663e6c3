from ipaddress import ip_network
from pathlib import Path

import pytest
from pydantic import Field
from pydantic_settings import SettingsConfigDict

from shared.settings import SettingsError, SharedSettings, is_loopback

SECRET = "s" * 32


class DogSettings(SharedSettings):
    """A service with settings of its own, as the real ones have them."""

    model_config = SettingsConfigDict(env_prefix="DOG_")

    legs: int = Field(default=4, description="how many legs, like 4")
    owner: str = Field(description="whose dog it is")


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for field in DogSettings.model_fields:
        monkeypatch.delenv(DogSettings.env_name(field), raising=False)
    monkeypatch.setenv("INTERNAL_KEY", SECRET)
    monkeypatch.setenv("DOG_OWNER", "ann")


def load(config: Path | None = None) -> DogSettings:
    return DogSettings.load(config, "dog")


def with_url(url: str, monkeypatch: pytest.MonkeyPatch) -> DogSettings:
    monkeypatch.setenv("PUBLIC_URL", url)
    return load()


def refused(config: Path | None = None) -> str:
    with pytest.raises(SettingsError) as error:
        load(config)
    return str(error.value)


def test_defaults_are_those_of_one_machine() -> None:
    settings = load()
    assert (settings.parley_mode, settings.public_url) == ("production", "http://localhost:8080")
    assert (settings.listen_hosts, settings.log_level) == (("127.0.0.1",), "info")
    assert settings.trusted_proxies == (ip_network("127.0.0.0/8"), ip_network("::1/128"))
    assert settings.redis_url == "redis://127.0.0.1:6379/0"


def test_own_fields_carry_the_prefix_and_shared_ones_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOG_LEGS", "3")
    monkeypatch.setenv("LOG_LEVEL", "debug")
    settings = load()
    assert (settings.legs, settings.owner, settings.log_level) == (3, "ann", "debug")
    assert DogSettings.env_name("legs") == "DOG_LEGS"
    assert DogSettings.env_name("public_url") == "PUBLIC_URL"


def test_environment_wins_over_the_file_and_own_section_over_shared(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "dev.yml"
    file.write_text(
        "shared: {log_level: debug, listen_host: '::1', redis_url: 'redis://a/0'}\n"
        "dog: {legs: 5, log_level: error, owner: bob}\n"
        "cat: {lives: 9}\n"
    )
    monkeypatch.setenv("REDIS_URL", "redis://b/0")
    settings = load(file)
    assert (settings.legs, settings.owner, settings.log_level) == (5, "ann", "error")
    assert (settings.listen_host, settings.redis_url) == ("::1", "redis://b/0")


def test_empty_environment_counts_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOG_LEVEL", "")
    assert load().log_level == "info"


def test_every_problem_is_told_at_once_with_the_name_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "PARLEY_MODE": "toy",
        "PUBLIC_URL": "http://chat.example.org",
        "TRUSTED_PROXIES": "10.0.0.0/99",
        "REDIS_URL": "http://x",
        "INTERNAL_KEY": "short",
        "LOG_LEVEL": "loud",
        "DOG_LEGS": "many",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("DOG_OWNER")
    text = refused()
    for name in ("PARLEY_MODE", "PUBLIC_URL", "TRUSTED_PROXIES", "REDIS_URL", "INTERNAL_KEY", "LOG_LEVEL", "DOG_LEGS"):
        assert f"  {name}: " in text
    assert "DOG_OWNER: Field required. Set it to whose dog it is." in text
    assert "short" not in text.replace("shorter", "")


def test_production_needs_the_internal_key_and_demo_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("INTERNAL_KEY")
    assert "INTERNAL_KEY: is missing, and production does not start without it" in refused()
    monkeypatch.setenv("PARLEY_MODE", "demo")
    assert load().internal_key.get_secret_value() == ""


def test_secret_is_in_no_repr() -> None:
    assert SECRET not in repr(load())


@pytest.mark.parametrize(
    ("url", "origin", "is_secure", "port"),
    [
        ("http://localhost:8080", "http://localhost:8080", False, 8080),
        ("http://localhost", "http://localhost", False, 80),
        ("http://127.0.0.1:80/", "http://127.0.0.1", False, 80),
        ("http://[::1]:9000", "http://[::1]:9000", False, 9000),
        ("http://chat.localhost:1", "http://chat.localhost:1", False, 1),
        ("https://Chat.Example.org/", "https://chat.example.org", True, 443),
        ("https://chat.example.org:443", "https://chat.example.org", True, 443),
        ("https://chat.example.org:8443", "https://chat.example.org:8443", True, 8443),
    ],
)
def test_public_url_decides_origin_port_and_safety(
    monkeypatch: pytest.MonkeyPatch, url: str, origin: str, port: int, *, is_secure: bool
) -> None:
    settings = with_url(url, monkeypatch)
    assert (settings.public_origin, settings.is_secure, settings.public_port) == (origin, is_secure, port)
    assert not settings.public_url.endswith("/")


@pytest.mark.parametrize(
    "url",
    [
        "http://chat.example.org",
        "http://192.168.1.5:8080",
        "http://localhost.example.org",
        "chat.example.org",
        "ftp://localhost",
        "https://",
        "https://chat.example.org/chat",
        "https://chat.example.org?x=1",
        "https://chat.example.org#x",
        "https://user@chat.example.org",
        "https://chat.example.org:0",
        "https://chat.example.org:99999",
    ],
)
def test_public_url_that_cannot_work_stops_the_start(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("PUBLIC_URL", url)
    assert "PUBLIC_URL: " in refused()


def test_lists_are_split_at_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRUSTED_PROXIES", "10.0.0.0/8, fd00::/8,")
    monkeypatch.setenv("LISTEN_HOST", "127.0.0.1, ::1")
    settings = load()
    assert settings.trusted_proxies == (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))
    assert settings.listen_hosts == ("127.0.0.1", "::1")


def test_networks_may_be_a_list_in_the_file(tmp_path: Path) -> None:
    file = tmp_path / "dev.yml"
    file.write_text("shared: {trusted_proxies: [10.0.0.0/8]}")
    assert load(file).trusted_proxies == (ip_network("10.0.0.0/8"),)
    file.write_text("shared: {trusted_proxies: 5}")
    assert "TRUSTED_PROXIES" in refused(file)


@pytest.mark.parametrize(
    ("content", "part"),
    [
        ("dog: {leg: 4}", "leg: there is no such setting"),
        ("- a\n- b", "needs sections"),
        ("dog: 5", "needs sections"),
        ("a: [", "is not YAML"),
        ("\x00", "is not YAML"),
    ],
)
def test_file_that_is_wrong_stops_the_start(tmp_path: Path, content: str, part: str) -> None:
    file = tmp_path / "dev.yml"
    file.write_text(content)
    assert part in refused(file)


def test_file_that_is_not_there_stops_the_start(tmp_path: Path) -> None:
    assert "cannot be read" in refused(tmp_path / "missing.yml")


def test_empty_file_and_empty_section_are_defaults(tmp_path: Path) -> None:
    file = tmp_path / "dev.yml"
    for content in ("", "shared:\ndog:\n"):
        file.write_text(content)
        assert load(file).legs == 4


@pytest.mark.parametrize(("host", "answer"), [("localhost", True), ("127.8.0.1", True), ("::1", True), ("a.b", False)])
def test_loopback_is_known_by_name_and_number(host: str, *, answer: bool) -> None:
    assert is_loopback(host) is answer
