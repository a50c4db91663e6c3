import base64
from datetime import timedelta
from pathlib import Path

import pytest

from auth_service.settings import AuthSettings, DatabaseSettings
from shared.settings import SettingsError

KEY = base64.b64encode(b"k" * 32).decode()
OTHER = base64.b64encode(b"o" * 32).decode()
SECRET = "i" * 32


@pytest.fixture(autouse=True)
def empty_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for field in AuthSettings.model_fields:
        monkeypatch.delenv(AuthSettings.env_name(field), raising=False)


@pytest.fixture
def secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """What production does not start without."""
    monkeypatch.setenv("INTERNAL_KEY", SECRET)
    monkeypatch.setenv("AUTH_REFRESH_KEYS", f"a:{KEY}")
    monkeypatch.setenv("AUTH_KEY_ENCRYPTION_KEYS", f"a:{OTHER}")


def test_production_names_every_missing_secret_at_once() -> None:
    with pytest.raises(SettingsError) as refused:
        AuthSettings.load(None, "auth")
    assert "INTERNAL_KEY: is missing" in str(refused.value)
    assert "AUTH_REFRESH_KEYS: is missing" in str(refused.value)
    assert "AUTH_KEY_ENCRYPTION_KEYS: is missing" in str(refused.value)


def test_demo_starts_with_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARLEY_MODE", "demo")
    settings = AuthSettings.load(None, "auth")
    assert settings.refresh_key_bytes == {}
    assert (settings.database_url, settings.port, settings.ops_port) == ("sqlite:///var/auth.db", 8081, 8091)


def test_environment_wins_over_own_section_over_shared_section(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "dev.yml"
    file.write_text(f"""
shared: {{internal_key: {SECRET}, log_level: debug}}
auth: {{port: 9001, ops_port: 9011, log_level: warning, refresh_keys: "a:{KEY}",
  key_encryption_keys: "a:{KEY}"}}
chat: {{port: 9002}}
""")
    monkeypatch.setenv("AUTH_PORT", "9101")
    settings = AuthSettings.load(file, "auth")
    assert (settings.port, settings.ops_port, settings.log_level) == (9101, 9011, "warning")


@pytest.mark.usefixtures("secrets")
@pytest.mark.parametrize("name", ["AUTH_REFRESH_KEYS", "AUTH_KEY_ENCRYPTION_KEYS"])
def test_first_key_of_a_list_is_the_one_for_new_things(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, f"new:{KEY}, old:{OTHER},")
    settings = AuthSettings.load(None, "auth")
    keys = settings.refresh_key_bytes if "REFRESH" in name else settings.key_encryption_key_bytes
    assert list(keys.items()) == [("new", b"k" * 32), ("old", b"o" * 32)]


@pytest.mark.parametrize("keys", ["a", "a:", f":{KEY}", "a:AAAA", "a:!!!", f"a:{KEY},a:{OTHER}", f"a:{KEY},b:ä"])
def test_refresh_keys_that_are_none_stop_the_start_and_are_not_shown(
    monkeypatch: pytest.MonkeyPatch, keys: str
) -> None:
    monkeypatch.setenv("INTERNAL_KEY", SECRET)
    monkeypatch.setenv("AUTH_REFRESH_KEYS", keys)
    with pytest.raises(SettingsError, match="AUTH_REFRESH_KEYS: is not a list") as refused:
        AuthSettings.load(None, "auth")
    assert KEY not in str(refused.value)


@pytest.mark.parametrize("url", ["mysql://a/b", "var/auth.db", "postgresql+psycopg://a/b"])
def test_other_databases_stop_the_start(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("AUTH_DATABASE_URL", url)
    with pytest.raises(SettingsError, match="AUTH_DATABASE_URL"):
        DatabaseSettings.load(None, "auth")


def test_migrations_need_no_secret(tmp_path: Path) -> None:
    file = tmp_path / "some.yml"
    file.write_text("shared: {log_level: debug}\nauth: {port: 1, database_url: 'sqlite:///other.db'}\n")
    assert DatabaseSettings.load(None, "auth").database_url == "sqlite:///var/auth.db"
    assert DatabaseSettings.load(file, "auth").database_url == "sqlite:///other.db"


@pytest.mark.usefixtures("secrets")
def test_secrets_are_in_no_repr(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTH_DATABASE_URL", "postgresql://auth:hunter2@db/auth")
    shown = repr(AuthSettings.load(None, "auth"))
    for secret in (SECRET, KEY, OTHER, "hunter2"):
        assert secret not in shown


@pytest.mark.usefixtures("secrets")
def test_audit_log_keeps_its_records_a_month_or_longer_or_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    assert AuthSettings.load(None, "auth").audit_kept == timedelta(days=400)
    for days, kept in (("30", timedelta(days=30)), ("0", None)):
        monkeypatch.setenv("AUTH_AUDIT_DAYS", days)
        assert AuthSettings.load(None, "auth").audit_kept == kept
    for days in ("29", "1", "-1", "36501"):
        monkeypatch.setenv("AUTH_AUDIT_DAYS", days)
        with pytest.raises(SettingsError, match="AUTH_AUDIT_DAYS"):
            AuthSettings.load(None, "auth")
