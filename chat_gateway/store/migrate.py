"""Moves the schema of a chat database up and down; the revisions are in chat_gateway/migrations."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

_INI = Path(__file__).resolve().parent.parent / "alembic.ini"


def upgrade(url: str, revision: str = "head") -> None:
    """Bring the database to the revision. Blocks, and runs an event loop of its own: call it outside of any."""
    command.upgrade(_config(url), revision)


def downgrade(url: str, revision: str) -> None:
    command.downgrade(_config(url), revision)


def newest() -> str:
    """Name the revision this release works on."""
    return str(ScriptDirectory.from_config(Config(_INI)).get_current_head())


def check(url: str) -> None:
    """Raise alembic's CommandError where tables.py asks for something that no revision makes."""
    command.check(_config(url))


def _config(url: str) -> Config:
    config = Config(_INI)
    config.attributes["url"] = url
    return config
