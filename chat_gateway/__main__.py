"""The command line of the gateway: serve, migrate. What a person can repair is one sentence, exit status 1."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from chat_gateway.app import serve
from chat_gateway.settings import ChatSettings, DatabaseSettings
from chat_gateway.store.migrate import upgrade
from shared import logs
from shared.settings import SettingsError
from shared.web import run


async def _serve(config: Path | None) -> None:
    settings = ChatSettings.load(config, "chat")
    logs.configure("chat_gateway", settings.log_level)
    await serve(settings)


def _migrate(config: Path | None) -> int:
    try:
        upgrade(DatabaseSettings.load(config, "chat").database_url)
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m chat_gateway", description=__doc__)
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--config", type=Path, help="a YAML file below the environment, like deploy/config/dev.yml")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("serve", parents=[common], help="serve clients until SIGTERM")
    commands.add_parser("migrate", parents=[common], help="bring the database up to date")
    options = parser.parse_args(arguments)
    return _migrate(options.config) if options.command == "migrate" else run(_serve(options.config))


if __name__ == "__main__":
    sys.exit(main())
