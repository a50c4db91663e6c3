"""Which database a service has, and whether a SQLite one stands at the newest migration.

Read without starting Alembic, which takes a second a service. In doubt the answer is no, and the migration runs.
"""

import contextlib
import re
import sqlite3
from pathlib import Path

from auth_service.settings import DatabaseSettings as AuthDatabase
from chat_gateway.settings import DatabaseSettings as ChatDatabase

SERVICES = ("auth_service", "chat_gateway")
_ROOT = Path(__file__).resolve().parent.parent
_PREFIX = "sqlite:///"


def database_url(service: str, settings_file: Path) -> str:
    """As the environment and the settings file say. Raises SettingsError."""
    if service == "auth_service":
        return AuthDatabase.load(settings_file, "auth").database_url
    return ChatDatabase.load(settings_file, "chat").database_url


def versions(service: str) -> Path:
    return _ROOT / service / "migrations" / "versions"


def is_current(url: str, folder: Path) -> bool:
    if not url.startswith(_PREFIX):
        return False
    file = Path(url.removeprefix(_PREFIX)).absolute()
    try:
        with contextlib.closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True)) as database:
            stands_at = {version for (version,) in database.execute("SELECT version_num FROM alembic_version")}
    except sqlite3.Error:
        return False
    return stands_at == heads(folder)


def heads(folder: Path) -> set[str]:
    """The revisions that no other one comes after."""
    texts = [path.read_text("utf-8") for path in folder.glob("*.py")]
    return _named("revision", texts) - _named("down_revision", texts)


def _named(name: str, texts: list[str]) -> set[str]:
    found = (re.search(rf'^{name}(?::[^=]+)? = ["\']([^"\']+)', text, re.MULTILINE) for text in texts)
    return {match[1] for match in found if match}
