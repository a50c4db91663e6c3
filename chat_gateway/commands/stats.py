"""`stats`: how much there is in the chat, one fact a line or as JSON."""

import argparse
import sys
import time

import msgspec

from chat_gateway.commands.opened import opened
from chat_gateway.store.stats import Count, Stats, StatsReader
from shared.printing import facts


def add_to(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print JSON, for programs")
    parser.set_defaults(run=_stats)


async def _stats(options: argparse.Namespace) -> None:
    async with opened(options) as (database, _chat):
        stats = await StatsReader(database).read(now=int(time.time() * 1000))
    sys.stdout.write(f"{msgspec.json.encode(stats).decode()}\n" if options.json else facts(_facts(stats)))


def _facts(stats: Stats) -> list[tuple[str, object]]:
    return [
        ("users known", _number(stats.users)),
        *((f"{kind} rooms", f"{number:,}") for kind, number in stats.rooms.items()),
        ("archived rooms", f"{stats.archived:,}"),
        ("memberships", f"{stats.members:,}"),
        ("entries", _number(stats.entries)),
        *((f"messages {day}", f"{number:,}") for day, number in stats.messages.items()),
        ("database size", f"{stats.bytes / 1_000_000:,.1f} MB"),
        ("migration", stats.migration),
        ("epoch", stats.epoch),
    ]


def _number(count: Count) -> str:
    return f"about {count.number:,}" if count.about else f"{count.number:,}"
