"""The command line of auth: serve, migrate, user create. Errors a person can repair are one sentence, exit status 1."""

import argparse
import getpass
import sys
from collections.abc import Sequence
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy.exc import SQLAlchemyError

from auth_service.actions import accounts
from auth_service.app import create_app, system_randomness
from auth_service.crypto.passwords import ArgonPasswords
from auth_service.settings import AuthSettings, DatabaseSettings
from auth_service.store.database import Database
from shared import logs
from shared.errors import AppError
from shared.health import Health, ops_application
from shared.settings import SettingsError
from shared.web import StartError, run, serve

_ALEMBIC_INI = Path(__file__).with_name("alembic.ini")


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


def migrate(database_url: str, revision: str = "head") -> None:
    """Brings the database up to the revision; safe to repeat."""
    config = Config(_ALEMBIC_INI)
    config.attributes["database_url"] = database_url
    command.upgrade(config, revision)


async def _create_user(options: argparse.Namespace) -> None:
    settings = DatabaseSettings.load(options.config, "auth")
    password = _read_password(from_stdin=options.password_stdin)
    database = Database(settings.database_url, on_change=lambda: None)
    passwords = ArgonPasswords()
    try:
        user = await accounts.create(
            database, passwords, system_randomness(), email=options.email, password=password, name=options.name
        )
    except AppError as error:
        raise StartError(error.message) from error
    finally:
        passwords.close()
        await database.close()
    print(f"{user.email} may log in now; the id is {user.id}.")


def _read_password(*, from_stdin: bool) -> str:
    """Never from the arguments: those are readable by every user of the machine. Raises StartError."""
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    password = getpass.getpass("Password: ")
    if getpass.getpass("Again: ") != password:
        raise StartError("The two passwords differ. Start again.")
    return password


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m auth_service", description=__doc__)
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--config", type=Path, help="a YAML file below the environment, like deploy/config/dev.yml")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("serve", parents=[common], help="answer requests until SIGTERM")
    commands.add_parser("migrate", parents=[common], help="bring the database up to date")
    user = commands.add_parser("user", help="accounts").add_subparsers(dest="user_command", required=True)
    create = user.add_parser("create", parents=[common], help="make an account")
    create.add_argument("--email", required=True)
    create.add_argument("--name", required=True)
    create.add_argument("--password-stdin", action="store_true", help="read the password from the first line of stdin")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    if options.command == "serve":
        return run(_serve(options))
    if options.command == "user":
        return run(_create_user(options))
    try:
        migrate(DatabaseSettings.load(options.config, "auth").database_url)
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 1
    except (OSError, SQLAlchemyError) as error:
        print(f"The database cannot be migrated: {error}\nCheck AUTH_DATABASE_URL.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
