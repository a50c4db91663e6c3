import pytest

from chat_gateway.settings import ChatSettings, CopySettings, DatabaseSettings
from shared.settings import SettingsError

SECRET = "s" * 32


def load(monkeypatch: pytest.MonkeyPatch, **environment: str) -> ChatSettings:
    for name, value in {"INTERNAL_KEY": SECRET, **environment}.items():
        monkeypatch.setenv(name, value)
    return ChatSettings.load(None, "chat")


def test_defaults_are_those_of_one_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load(monkeypatch)
    assert (settings.port, settings.ops_port) == (8082, 9082)
    assert settings.drain_seconds == 20
    assert settings.instance


def test_the_address_of_auth_has_no_slash_at_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load(monkeypatch, CHAT_AUTH_URL="http://auth:8000/").auth_url == "http://auth:8000"


def test_all_problems_are_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsError) as refusal:
        load(monkeypatch, CHAT_PORT="many", CHAT_DATABASE_URL="mysql://x", CHAT_PING_SECONDS="1")
    for name in ("CHAT_PORT", "CHAT_DATABASE_URL", "CHAT_PING_SECONDS"):
        assert name in str(refusal.value)


def test_migrations_need_nothing_but_the_database(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHAT_DATABASE_URL", "postgresql://chat:secret@host/chat")
    settings = DatabaseSettings.load(None, "chat")
    assert settings.database_url == "postgresql://chat:secret@host/chat"
    assert "secret" not in repr(settings)


def test_the_addresses_of_a_copy_are_told_to_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHAT_COPY_FROM", "postgresql://chat:secret@old/chat")
    monkeypatch.setenv("CHAT_COPY_TO", "postgresql://chat:secret@new/chat")
    settings = CopySettings.load(None, "chat")
    assert (settings.copy_from[-8:], settings.copy_to[-8:]) == ("old/chat", "new/chat")
    assert "secret" not in repr(settings)
