"""`copy --from URL --to URL`: moves all of auth to another database, most often from SQLite to PostgreSQL.

May be ended at any time and run again: it goes on. The source is held still meanwhile, and stays as it is. An address
with a password belongs into the environment: the arguments of a program are read by everybody on the machine.
"""

import argparse
import sys
from collections.abc import Sequence

from sqlalchemy.exc import ArgumentError

from auth_service.commands.opened import operator
from auth_service.core.audit import Event, record
from auth_service.settings import CopySettings
from auth_service.store.audit import tell
from auth_service.store.copy_ends import CopyRefused, held_source, held_target, name_of, refuse_same
from auth_service.store.copying import Compared, Copying
from auth_service.store.engine import sqlite_path
from shared import logs
from shared.printing import columns
from shared.progress import Progress
from shared.settings import SettingsError
from shared.web import StartError

_HELD = """\
While this runs the source is only read: nobody can log in, who is in goes on with the token at hand.
"""
_DONE = """\
Everything is copied: sessions go on, and the gateways need not be told. Start all auth instances on the new database
now (AUTH_DATABASE_URL) with the keys of before, and none on the old one any more.
"""
_SHOWN_DIGITS = 12


def add_to(parser: argparse.ArgumentParser) -> None:
    for name, dest, text in (
        ("from", "source", "the database that is there"),
        ("to", "target", "an empty database, even of tables"),
    ):
        setting = f"AUTH_COPY_{name.upper()}"
        parser.add_argument(
            f"--{name}", dest=dest, metavar="URL", help=f"{text}; set {setting} instead where the URL has a password"
        )
    parser.set_defaults(run=_copy)


async def _copy(options: argparse.Namespace) -> None:
    settings = CopySettings.load(None, "auth")
    source_url = _checked(options.source or settings.copy_from, "--from (or AUTH_COPY_FROM)")
    target_url = _checked(options.target or settings.copy_to, "--to (or AUTH_COPY_TO)")
    try:
        refuse_same(source_url, target_url)
        async with held_source(source_url) as source, held_target(target_url) as target:
            copying = Copying(source, target)
            await copying.claim(name_of(source_url))
            sys.stderr.write(_HELD)
            await copying.copy_tables(Progress())
            _show(await copying.compare())
            done = record(Event.DATABASE_COPIED, None, operator(), source=name_of(source_url))
            await copying.finish(done)
    except CopyRefused as error:
        raise StartError(str(error)) from error
    # Not before: people read what the copy itself says, and nobody what alembic does.
    logs.configure("auth_service", "info")
    tell([done])
    sys.stdout.write(_DONE)


def _checked(url: str, name: str) -> str:
    """Take an address as the settings would. An unreadable one is not repeated: it may hold a password."""
    try:
        sqlite_path(url)
    except (ValueError, ArgumentError, SettingsError) as error:
        raise StartError(f"{name} is an address like sqlite:///var/auth.db or postgresql://user@host/auth.") from error
    return url


def _show(compared: Sequence[Compared]) -> None:
    head = ("table", "rows in source", "rows in target", "digest of source", "digest of target")
    rows = [
        (
            one.table,
            one.source.rows,
            one.target.rows,
            one.source.digest[:_SHOWN_DIGITS],
            one.target.digest[:_SHOWN_DIGITS],
        )
        for one in compared
    ]
    sys.stdout.write(columns(head, rows))
    unlike = [one.table for one in compared if one.source != one.target]
    if unlike:
        raise StartError(f"The copy differs in {', '.join(unlike)}. The target stays unfinished; run the copy again.")
