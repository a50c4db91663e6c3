"""`keys ...`: the signing keys, as an administrator of the machine sees and changes them. Services need no restart."""

import argparse
import sys

from auth_service.actions import keys
from auth_service.commands.opened import opened
from auth_service.core.keys import UnreadableKey
from shared.web import StartError


def add_to(parser: argparse.ArgumentParser, common: argparse.ArgumentParser) -> None:
    commands = parser.add_subparsers(dest="keys_command", required=True)
    rotate = commands.add_parser("rotate", parents=[common], help="publish the next key; it signs after a day")
    rotate.add_argument(
        "--now",
        action="store_true",
        help="somebody may have the keys: a new one signs at once, and all tokens of the others are refused",
    )
    rotate.set_defaults(run=_rotate)
    commands.add_parser("list", parents=[common], help="the keys that are published").set_defaults(run=_list)


async def _rotate(options: argparse.Namespace) -> None:
    try:
        async with opened(options) as auth:
            key = await (keys.rotate_now(auth) if options.now else keys.rotate(auth))
    except UnreadableKey as error:
        raise StartError(str(error)) from error
    when = "now, and is the only one" if options.now else f"from {key.signs_from:%Y-%m-%d %H:%M} UTC on"
    sys.stdout.write(f"The key {key.id}, generation {key.generation}, signs {when}.\n")


async def _list(options: argparse.Namespace) -> None:
    async with opened(options) as auth:
        listed = await keys.listed(auth)
    lines = [("id", "generation", "signs from (UTC)", "state", "encrypted by")]
    lines += [
        (row.id, str(row.generation), f"{row.signs_from:%Y-%m-%d %H:%M}", state, row.wrapped_by or "nothing")
        for row, state in ((each.key, each.state) for each in listed)
    ]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        sys.stdout.write("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() + "\n")
