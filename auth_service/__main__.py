"""The command line of auth: serve, migrate, and what administrators do. What a person can repair is a sentence."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from alembic.util import CommandError
from sqlalchemy.exc import SQLAlchemyError

from auth_service.app import create_app
from auth_service.commands import audit, copy, keys, setup, user
from auth_service.commands.opened import operator
from auth_service.settings import AuthSettings, MigrationSettings
from auth_service.store.engine import CONNECT_ERRORS
from auth_service.store.migrate import migrate
from shared import logs
from shared.health import Health, ops_application
from shared.settings import SettingsError
from shared.web import run, serve


async def _serve(options: argparse.Namespace) -> None:
    settings = AuthSettings.load(options.config, "auth")
    logs.configure("auth_service", settings.log_level)
    health = Health()
    await serve(
        create_app(settings, health=health),
        ops_application(health),
        hosts=settings.listen_hosts,
        port=settings.port,
        ops_port=settings.ops_port,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m auth_service", description=__doc__)
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--config", type=Path, help="a YAML file below the environment, like deploy/config/dev.yml")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("serve", parents=[common], help="answer requests until SIGTERM").set_defaults(run=_serve)
    commands.add_parser("migrate", parents=[common], help="bring the database up to date")
    copy.add_to(commands.add_parser("copy", help="move everything to another database"))
    keys.add_to(commands.add_parser("keys", help="signing keys"), common)
    user.add_to(commands.add_parser("user", help="accounts"), common)
    audit.add_to(commands.add_parser("audit", parents=[common], help="what happened to accounts, sessions and keys"))
    return parser


def _migrate(options: argparse.Namespace) -> int:
    try:
        settings = MigrationSettings.load(options.config, "auth")
        written = migrate(settings.database_url, operator())
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 1
    except CommandError as error:
        print(f"The database is not one that this release can migrate: {error}. Take the newer one.", file=sys.stderr)
        return 1
    except (OSError, SQLAlchemyError, *CONNECT_ERRORS) as error:
        print(f"The database cannot be migrated: {error}\nCheck AUTH_DATABASE_URL.", file=sys.stderr)
        return 1
    return run(setup.finish(settings, written))


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    try:
        status = _migrate(options) if options.command == "migrate" else run(options.run(options))
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever reads us has seen enough, like `audit | head`; the interpreter would complain at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return status


if __name__ == "__main__":
    sys.exit(main())
