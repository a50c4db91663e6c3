"""`copy --from URL --to URL`: moves a chat to another database, most often from SQLite to PostgreSQL.

May be ended at any time and run again: it goes on. The source is held still meanwhile, and stays as it is. An address
with a password belongs into the environment: the arguments of a program are read by everybody on the machine.
"""

import argparse
import sys
from collections.abc import Sequence

from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.asyncio import AsyncConnection

from chat_gateway.settings import CopySettings
from chat_gateway.store.copied_logs import UnlikeLog, unlike_logs
from chat_gateway.store.copy_ends import CopyRefused, held_source, held_target, refuse_same
from chat_gateway.store.copying import Compared, Copying
from chat_gateway.store.database import sqlite_path
from shared.printing import columns, shown
from shared.progress import Progress
from shared.web import StartError

_HELD = """\
While this runs the source is only read: what gateways would write to it is refused as temporary, clients keep it.
"""
_MOST_NAMED = 20
_DONE = """\
The chat is copied and keeps its epoch {epoch}: clients go on where they were. The search index is built anew there.
Start all gateways on the new database now (CHAT_DATABASE_URL), and none on the old one any more.
"""


def add_to(parser: argparse.ArgumentParser) -> None:
    for name, dest, text in (
        ("from", "source", "the database that is there"),
        ("to", "target", "an empty, migrated database"),
    ):
        setting = f"CHAT_COPY_{name.upper()}"
        parser.add_argument(
            f"--{name}", dest=dest, metavar="URL", help=f"{text}; set {setting} instead where the URL has a password"
        )
    parser.set_defaults(run=_copy)


async def _copy(options: argparse.Namespace) -> None:
    settings = CopySettings.load(None, "chat")
    source_url = _checked(options.source or settings.copy_from, "--from (or CHAT_COPY_FROM)")
    target_url = _checked(options.target or settings.copy_to, "--to (or CHAT_COPY_TO)")
    try:
        refuse_same(source_url, target_url)
        async with held_source(source_url) as source, held_target(target_url) as target:
            copying = Copying(source, target)
            epoch = await copying.claim()
            sys.stderr.write(_HELD)
            await copying.copy_tables(Progress())
            compared = await copying.compare()
            _tell(compared)
            logs = next(one.source.rows for one in compared if one.table == "log")
            await _compare_logs(source, target, logs)
            await copying.finish(epoch)
    except CopyRefused as error:
        raise StartError(str(error)) from error
    sys.stdout.write(_DONE.format(epoch=epoch))


def _checked(url: str, name: str) -> str:
    """Take an address as the settings would. An unreadable one is not repeated: it may hold a password."""
    try:
        sqlite_path(url)
    except (ValueError, ArgumentError) as error:
        raise StartError(f"{name} is an address like sqlite:///var/chat.db or postgresql://user@host/chat.") from error
    return url


def _tell(compared: Sequence[Compared]) -> None:
    head = ("table", "rows in source", "rows in target", "offsets in source", "offsets in target")
    rows = [
        (one.table, one.source.rows, one.target.rows, one.source.positions, one.target.positions) for one in compared
    ]
    sys.stdout.write(columns(head, rows))
    unlike = [one.table for one in compared if one.source != one.target]
    if unlike:
        raise StartError(f"The copy differs in {', '.join(unlike)}. The target stays unfinished; run the copy again.")


async def _compare_logs(source: AsyncConnection, target: AsyncConnection, total: int) -> None:
    """Compare each log by itself, and name those that differ: the first of them, however many there are."""
    progress, found = Progress(), 0
    async for unlike in unlike_logs(source, target, progress=lambda done: progress("logs compared", done, total)):
        found += 1
        if found <= _MOST_NAMED:
            sys.stdout.write(f"{_line(unlike)}\n")
    if found:
        raise StartError(f"The copy differs in {found:,} logs. The target stays unfinished; run the copy again.")


def _line(unlike: UnlikeLog) -> str:
    source, target = (
        "none" if one is None else f"head {one.head}, posts {one.posts}, {one.entries} entries up to {one.last}"
        for one in (unlike.source, unlike.target)
    )
    return f"{shown(unlike.log)}: {source} in source; {target} in target"
