"""The command line: serve, migrate, and what administrators do. What a person can repair is a sentence, exit code 1."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from chat_gateway.app import serve
from chat_gateway.commands import copy, epoch, keys, reports, room, stats
from chat_gateway.settings import ChatSettings, DatabaseSettings
from chat_gateway.store.migrate import upgrade
from shared import logs
from shared.settings import SettingsError
from shared.web import run


async def _serve(options: argparse.Namespace) -> None:
    settings = ChatSettings.load(options.config, "chat")
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
    commands.add_parser("serve", parents=[common], help="serve clients until SIGTERM").set_defaults(run=_serve)
    commands.add_parser("migrate", parents=[common], help="bring the database up to date")
    keys.add_to(commands.add_parser("key", help="API keys of back ends and bots"), common)
    room.add_to(commands.add_parser("room", help="rooms, whoever is in them"), common)
    stats.add_to(commands.add_parser("stats", parents=[common], help="how much there is in the chat"))
    reports.add_to(commands.add_parser("reports", parents=[common], help="messages that were reported"))
    epoch.add_to(commands.add_parser("epoch", help="the name of the logs"), common)
    copy.add_to(commands.add_parser("copy", help="move the chat to another database"))
    options = parser.parse_args(arguments)
    return _migrate(options.config) if options.command == "migrate" else run(options.run(options))


if __name__ == "__main__":
    sys.exit(main())
