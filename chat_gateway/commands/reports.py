"""`reports`: the messages that people reported, the newest report first."""

import argparse
import sys

import msgspec

from chat_gateway.commands.opened import opened
from chat_gateway.store.oversight import Oversight, ReportLine
from shared.printing import facts, moment, shown
from shared.web import StartError

_MOST = 10_000


class _Content(msgspec.Struct):
    body: str = ""
    deleted: bool = False


def add_to(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--limit", type=int, default=100, help="how many to show (100)")
    parser.set_defaults(run=_reports)


async def _reports(options: argparse.Namespace) -> None:
    if not 0 < options.limit <= _MOST:
        raise StartError(f"--limit is a number from 1 to {_MOST:,}.")
    async with opened(options) as (database, _chat):
        reports = await Oversight(database).reports(limit=options.limit)
    sys.stdout.write("\n".join(map(_block, reports)) if reports else "Nothing was reported.\n")


def _block(report: ReportLine) -> str:
    return facts(
        [
            ("when", moment(report.at)),
            ("room", f"{shown(report.room_name)}  {report.room}"),
            ("offset", report.offset),
            ("author", f"{shown(report.author_name) or '(unknown)'}  {report.author}"),
            ("message", _text(report)),
            ("reporter", f"{shown(report.reporter_name) or '(unknown)'}  {report.reporter}"),
            ("reason", shown(report.reason, most=1_000)),
        ]
    )


def _text(report: ReportLine) -> str:
    content = msgspec.json.decode(report.content or "{}", type=_Content)
    return "(deleted)" if content.deleted else shown(content.body if report.body is None else report.body)
