"""`make db-revise`, `db-upgrade`, `db-downgrade`: Alembic of one service or of both."""

import argparse
import sys
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.util import CommandError

from deploy.schema import SERVICES, database_url, versions
from shared.settings import SettingsError

ROOT = Path(__file__).resolve().parent.parent


def configuration(service: str, settings_file: Path) -> Config:
    config = Config(ROOT / service / "alembic.ini")
    config.attributes["url"] = config.attributes["database_url"] = database_url(service, settings_file)
    return config


def next_revision(folder: Path) -> str:
    """Revisions are counted: 0001, 0002, ..."""
    return f"{1 + len(list(folder.glob('[0-9]*.py'))):04}"


def revise(service: str, settings_file: Path, message: str) -> None:
    """A new revision from what tables.py and the migrated database differ in."""
    config = configuration(service, settings_file)
    command.upgrade(config, "head")
    command.revision(config, message, autogenerate=True, rev_id=next_revision(versions(service)))


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m deploy.migrations")
    parser.add_argument("command", choices=["revise", "upgrade", "downgrade"])
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--message", default="")
    parser.add_argument("--to", default="")
    parser.add_argument("services", nargs="+", choices=SERVICES)
    chosen = parser.parse_args(arguments)
    try:
        _run(chosen)
    except (CommandError, SettingsError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _run(chosen: argparse.Namespace) -> None:
    if chosen.command == "revise" and (len(chosen.services) != 1 or not chosen.message):
        raise CommandError('Say what and where: make db-revise m="add topic" service=chat_gateway')
    for service in chosen.services:
        if chosen.command == "revise":
            revise(service, chosen.config, chosen.message)
        elif chosen.command == "upgrade":
            command.upgrade(configuration(service, chosen.config), chosen.to or "head")
        else:
            command.downgrade(configuration(service, chosen.config), chosen.to or "-1")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
