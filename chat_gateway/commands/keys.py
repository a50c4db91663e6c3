"""`key create | list | revoke`: the API keys of back ends and bots. A key is shown once, when it is made."""

import argparse
import secrets
import sys
import time
from datetime import UTC, datetime

from chat_gateway.actions import api_keys
from chat_gateway.api.verbs import VERBS
from chat_gateway.commands.opened import opened
from chat_gateway.core.api_keys import ID_BYTES, SECRET_BYTES, ApiKey
from chat_gateway.store.api_keys import ApiKeys
from shared.web import StartError


def add_to(parser: argparse.ArgumentParser, common: argparse.ArgumentParser) -> None:
    """Give `key` its own commands; each sets `run`, what carries it out."""
    own = parser.add_subparsers(dest="key_command", required=True)
    create = own.add_parser("create", parents=[common], help="make a key, shown this once")
    create.add_argument("--name", required=True, help="what its bot is called")
    create.add_argument("--room", action="append", default=[], metavar="ID", help="a room it may use; may be repeated")
    create.add_argument(
        "--verb", action="append", required=True, metavar="VERB", help="what it may do, like message.post; repeat it"
    )
    create.set_defaults(run=_create)
    own.add_parser("list", parents=[common], help="show all keys").set_defaults(run=_list)
    revoke = own.add_parser("revoke", parents=[common], help="end a key")
    revoke.add_argument("id", help="the key's id, as `key list` shows it")
    revoke.set_defaults(run=_revoke)


async def _create(options: argparse.Namespace) -> None:
    unknown = sorted(set(options.verb) - VERBS.keys())
    if unknown:
        raise StartError(f"There is no verb {', '.join(unknown)}. The README lists all.")
    parts = secrets.token_hex(ID_BYTES), secrets.token_urlsafe(SECRET_BYTES)
    async with opened(options) as (database, chat):
        key = await api_keys.create(
            chat,
            ApiKeys(database),
            name=options.name,
            verbs=options.verb,
            rooms=options.room,
            parts=parts,
            now=_now(),
        )
    sys.stderr.write("Keep the key now: it is not shown again.\n")
    sys.stdout.write(f"{key}\n")


async def _list(options: argparse.Namespace) -> None:
    async with opened(options) as (database, _chat):
        keys = await ApiKeys(database).all()
    for key in keys:
        sys.stdout.write(f"{_line(key)}\n")


async def _revoke(options: argparse.Namespace) -> None:
    async with opened(options) as (database, chat):
        key = await api_keys.revoke(chat, ApiKeys(database), options.id, now=_now())
    sys.stdout.write(f"The key {key.id} ({key.name}) is revoked. Every gateway refuses it within 5 s.\n")


def _line(key: ApiKey) -> str:
    state = "active" if key.revoked_at is None else f"revoked {_day(key.revoked_at)}"
    rooms, verbs = ",".join(key.scope.rooms) or "-", ",".join(key.scope.verbs)
    return f"{key.id}  {state}  made {_day(key.created_at)}  rooms {rooms}  verbs {verbs}  {key.name}"


def _now() -> int:
    return int(time.time() * 1000)


def _day(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).date().isoformat()
