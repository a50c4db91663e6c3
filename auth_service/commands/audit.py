"""`audit`: what happened to accounts, sessions and keys, the oldest first; read in pages, however much there is."""

import argparse
import re
import sys
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import msgspec

from auth_service.actions import users
from auth_service.commands.opened import opened
from auth_service.core.audit import Event, Recorded, Wanted
from auth_service.core.auth import Auth
from shared.errors import NotFound
from shared.printing import moment, shown
from shared.web import StartError

_LINE = "{:<23}  {:<17}  {:<36}  {:<36}  {:<18}  {}"
_SPANS = {"m": "minutes", "h": "hours", "d": "days"}
_SPAN = re.compile(r"([0-9]{1,5})([mhd])")


class AuditLine(msgspec.Struct, frozen=True):
    """A record as programs read it: fields are added, never renamed."""

    n: int
    at: datetime
    event: str
    user: str | None
    actor: str
    network: str
    details: Mapping[str, str | int]


def audit_line(entry: Recorded) -> AuditLine:
    record = entry.record
    return AuditLine(entry.n, entry.at, record.event, record.user, record.actor, record.network, record.details)


def add_to(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--user", metavar="USER", help="done to or by an account: address or id")
    parser.add_argument("--event", choices=[event.value for event in Event], metavar="EVENT", help="like login.failed")
    parser.add_argument("--since", metavar="WHEN", help="a day like 2026-11-01 (UTC), or a span like 90m, 12h, 7d")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    parser.set_defaults(run=_audit)


async def _audit(options: argparse.Namespace) -> None:
    line = _as_json if options.json else _as_text
    async with opened(options) as auth:
        wanted = await _wanted(auth, options)
        if not options.json:
            sys.stdout.write(_LINE.format("at", "event", "user", "actor", "network", "details") + "\n")
        async for entry in users.audit(auth.store, wanted):
            sys.stdout.write(line(entry) + "\n")


async def _wanted(auth: Auth, options: argparse.Namespace) -> Wanted:
    user = options.user
    if user is not None:
        try:
            user = (await users.find(auth.store, user)).id
        except NotFound as error:
            if "@" in user:
                raise StartError(f"{error.message} Who is deleted is found by id only.") from error
    async with auth.store.reading() as tx:
        now = await tx.now()
    since = None if options.since is None else _moment_of(options.since, now)
    return Wanted(user=user, event=options.event, since=since)


def _moment_of(text: str, now: datetime) -> datetime:
    """Raises StartError."""
    if span := _SPAN.fullmatch(text):
        return now - timedelta(**{_SPANS[span[2]]: int(span[1])})
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise StartError("--since takes a day like 2026-11-01, or a span like 90m, 12h or 7d.") from error
    return at if at.tzinfo is not None else at.replace(tzinfo=UTC)


def _as_json(entry: Recorded) -> str:
    return msgspec.json.encode(audit_line(entry)).decode()


def _as_text(entry: Recorded) -> str:
    record = entry.record
    details = " ".join(f"{name}={value}" for name, value in record.details.items())
    at = moment(int(entry.at.timestamp() * 1000))
    cells = (at, record.event, record.user or "-", record.actor or "-", record.network or "-", details)
    return _LINE.format(*map(shown, cells)).rstrip()
