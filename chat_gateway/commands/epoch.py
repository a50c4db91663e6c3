"""`epoch new`: names the logs anew, after a restore or a fail-over that may have lost what clients have seen."""

import argparse
import secrets
import sys

from chat_gateway.commands.opened import opened
from chat_gateway.store.database import UNFINISHED
from chat_gateway.store.epochs import LENGTH, LETTERS, Epochs
from shared.printing import facts
from shared.web import StartError

_MEANING = """\
Every gateway notices within 3 s and tells its clients to begin again, spread over 20 s: they read their rooms anew.
What they saw and this database does not hold is gone from their screens then; what waits in their outboxes is sent.
"""


def add_to(parser: argparse.ArgumentParser, common: argparse.ArgumentParser) -> None:
    own = parser.add_subparsers(dest="epoch_command", required=True)
    own.add_parser("new", parents=[common], help="name the logs anew: all clients read them again").set_defaults(
        run=_new
    )


async def _new(options: argparse.Namespace) -> None:
    fresh = "".join(secrets.choice(LETTERS) for _ in range(LENGTH))
    async with opened(options) as (database, _chat):
        epochs = Epochs(database)
        old = await epochs.get()
        if old.startswith(UNFINISHED):
            raise StartError("This database is a copy that was not finished. Run the copy again to its end.")
        await epochs.replace(fresh)
    sys.stdout.write(facts([("old", old), ("new", fresh)]))
    sys.stdout.write(_MEANING)
