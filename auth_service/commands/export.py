"""`user export`: all that auth knows of one person as JSON. What the person said in rooms is the chat gateway's."""

import argparse
import sys
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from auth_service.actions import users
from auth_service.actions.users import Dossier
from auth_service.commands.audit import AuditLine, audit_line
from auth_service.commands.opened import opened

_MEANING = "This is all that auth knows. Messages and rooms of this person are in the database of the chat gateway.\n"


class ExportedAccount(msgspec.Struct, frozen=True):
    id: str
    email: str
    name: str
    picture: str
    profile: Mapping[str, Any]
    role: str
    disabled: bool
    created_at: datetime
    last_used_at: datetime | None


class ExportedSession(msgspec.Struct, frozen=True):
    id: str
    user_agent: str
    network: str
    started_at: datetime
    last_used_at: datetime


class Exported(msgspec.Struct, frozen=True, kw_only=True):
    """The document, in which fields are added and never renamed; times are UTC as RFC 3339 writes them."""

    format: int = 1
    account: ExportedAccount
    sessions: list[ExportedSession]
    devices: int
    """On how many browsers the person logged in within a year."""
    audit: list[AuditLine]


def add_to(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
    common: argparse.ArgumentParser,
    named: argparse.ArgumentParser,
) -> None:
    export = commands.add_parser(
        "export", parents=[common, named], help="print all that auth knows of a person, as JSON"
    )
    export.set_defaults(run=_export)


async def _export(options: argparse.Namespace) -> None:
    async with opened(options) as auth:
        dossier = await users.export(auth, (await users.find(auth.store, options.user)).id)
    sys.stderr.write(_MEANING)
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(_exported(dossier)), indent=2).decode() + "\n")


def _exported(dossier: Dossier) -> Exported:
    user = dossier.account.user
    account = ExportedAccount(
        user.id,
        user.email,
        user.name,
        user.picture,
        user.profile,
        user.role,
        user.is_disabled,
        dossier.account.created_at,
        dossier.account.last_used_at,
    )
    sessions = [
        ExportedSession(one.id, one.user_agent, one.network, one.started_at, one.last_used_at)
        for one in dossier.sessions
    ]
    return Exported(
        account=account, sessions=sessions, devices=dossier.devices, audit=[audit_line(one) for one in dossier.audit]
    )
