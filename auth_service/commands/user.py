"""`user ...`: accounts, as an administrator of the machine makes, sees and changes them."""

import argparse
import getpass
import sys
from datetime import datetime

from auth_service.actions import accounts, users
from auth_service.actions.users import Dossier
from auth_service.commands import export, links
from auth_service.commands.opened import opened
from auth_service.core.users import User
from shared.printing import facts, moment, shown
from shared.web import StartError

_LINE = "{:<36}  {:<13}  {:<8}  {:<23}  {:<23}  {:<40}  {}"
_ROLES = ("administrator", "member")
_QUESTION = """\
{email} ({name}) will be deleted with all sessions. Messages stay, and show no name. This cannot be undone.
Type the address to go on: """


def add_to(parser: argparse.ArgumentParser, common: argparse.ArgumentParser) -> None:
    """Give `user` its own commands; each sets `run`, what carries it out."""
    commands = parser.add_subparsers(dest="user_command", required=True)
    named = argparse.ArgumentParser(add_help=False)
    named.add_argument("user", metavar="USER", help="the account's address or id")
    create = commands.add_parser("create", parents=[common], help="make an account")
    create.add_argument("--email", required=True)
    create.add_argument("--name", required=True)
    create.add_argument("--role", choices=_ROLES, default="member")
    create.add_argument("--password-stdin", action="store_true", help="read the password from the first line of stdin")
    create.set_defaults(run=_create)
    commands.add_parser("list", parents=[common], help="show all accounts").set_defaults(run=_list)
    for name, run, text in (
        ("show", _show, "show one account"),
        ("disable", _disable, "end all sessions and let nobody log in there"),
        ("enable", _enable, "let the person log in again"),
    ):
        commands.add_parser(name, parents=[common, named], help=text).set_defaults(run=run)
    set_role = commands.add_parser("set-role", parents=[common, named], help="make somebody administrator, or not")
    set_role.add_argument("role", choices=_ROLES)
    set_role.set_defaults(run=_set_role)
    delete = commands.add_parser("delete", parents=[common, named], help="delete an account for good")
    delete.add_argument("--yes", action="store_true", help="do not ask")
    delete.set_defaults(run=_delete)
    log_out = commands.add_parser("log-out", parents=[common], help="end all sessions of somebody, or of everybody")
    whose = log_out.add_mutually_exclusive_group(required=True)
    whose.add_argument("user", metavar="USER", nargs="?", help="the account's address or id")
    whose.add_argument("--all", action="store_true", dest="is_all", help="all sessions of the site")
    log_out.set_defaults(run=_log_out)
    links.add_to(commands, common, named)
    export.add_to(commands, common, named)


async def _create(options: argparse.Namespace) -> None:
    password = _read_password(from_stdin=options.password_stdin)
    async with opened(options) as auth:
        user = await accounts.create(auth, email=options.email, password=password, name=options.name, role=options.role)
    sys.stdout.write(f"{user.email} may log in now; the id is {user.id}.\n")


async def _list(options: argparse.Namespace) -> None:
    sys.stdout.write(_LINE.format("id", "role", "state", "made", "last used", "address", "name") + "\n")
    async with opened(options) as auth:
        async for account in users.everybody(auth.store):
            user = account.user
            times = _moment(account.created_at), _moment(account.last_used_at)
            cells = (user.id, user.role, _state(user), *times, shown(user.email), shown(user.name))
            sys.stdout.write(_LINE.format(*cells).rstrip() + "\n")


async def _show(options: argparse.Namespace) -> None:
    async with opened(options) as auth:
        dossier = await users.show(auth.store, (await users.find(auth.store, options.user)).id)
    sys.stdout.write(facts(_facts(dossier)))


async def _disable(options: argparse.Namespace) -> None:
    async with opened(options) as auth:
        user = await users.find(auth.store, options.user)
        await users.disable(auth, user.id)
    sys.stdout.write(f"{shown(user.email)} is disabled, and all sessions have ended.\n")


async def _enable(options: argparse.Namespace) -> None:
    async with opened(options) as auth:
        user = await users.find(auth.store, options.user)
        await users.enable(auth, user.id)
    sys.stdout.write(f"{shown(user.email)} may log in again.\n")


async def _log_out(options: argparse.Namespace) -> None:
    async with opened(options) as auth:
        if options.is_all:
            await users.log_out_everybody(auth)
            sys.stdout.write("All sessions of the site have ended.\n")
            return
        user = await users.find(auth.store, options.user)
        await users.log_out(auth, user.id)
    sys.stdout.write(f"All sessions of {shown(user.email)} have ended.\n")


async def _set_role(options: argparse.Namespace) -> None:
    async with opened(options) as auth:
        user = await users.find(auth.store, options.user)
        await users.set_role(auth, user.id, options.role)
    sys.stdout.write(f"{shown(user.email)} has the role {options.role}.\n")


async def _delete(options: argparse.Namespace) -> None:
    async with opened(options) as auth:
        user = await users.find(auth.store, options.user)
        if not options.yes and _answer(user) != user.email:
            raise StartError("Nothing was deleted.")
        await users.delete(auth, user.id)
    sys.stdout.write(f"{shown(user.email)} is deleted; the id was {user.id}.\n")


def _answer(user: User) -> str:
    """What the person at the terminal types. Raises StartError where there is none."""
    if not sys.stdin.isatty():
        raise StartError("Nothing was deleted: nobody is here to ask. Say --yes if you are sure.")
    sys.stderr.write(_QUESTION.format(email=shown(user.email), name=shown(user.name)))
    sys.stderr.flush()
    return sys.stdin.readline().strip()


def _facts(dossier: Dossier) -> list[tuple[str, object]]:
    user = dossier.account.user
    pairs: list[tuple[str, object]] = [
        ("id", user.id),
        ("address", shown(user.email)),
        ("name", shown(user.name)),
        ("role", user.role),
        ("state", _state(user)),
        ("made", _moment(dossier.account.created_at)),
        ("last used", _moment(dossier.account.last_used_at)),
        ("devices", dossier.devices),
    ]
    return pairs + [
        ("session", f"{_moment(one.last_used_at)}  {one.network or '-'}  {shown(one.user_agent)}")
        for one in dossier.sessions
    ]


def _state(user: User) -> str:
    return "disabled" if user.is_disabled else "enabled"


def _moment(at: datetime | None) -> str:
    return "-" if at is None else moment(int(at.timestamp() * 1000))


def _read_password(*, from_stdin: bool) -> str:
    """Never from the arguments: those are readable by every user of the machine. Raises StartError."""
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    password = getpass.getpass("Password: ")
    if getpass.getpass("Again: ") != password:
        raise StartError("The two passwords differ. Start again.")
    return password
