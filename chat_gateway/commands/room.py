"""`room list | show | create | archive | add | set-owner`: rooms as the administrator of the server has them.

What changes a room goes into its log like everybody's changes; connected clients see it within 3 s.
"""

import argparse
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from chat_gateway.actions import administration
from chat_gateway.commands.opened import opened
from chat_gateway.core.chat import Chat
from chat_gateway.core.ids import RoomId, UserId
from chat_gateway.store.oversight import Oversight, RoomLine
from shared.errors import AppError
from shared.printing import facts, moment, shown
from shared.web import StartError

_LINE = "{:<36}  {:<7}  {:>9}  {:>9}  {:<8}  {}"
_NO_ROOM = "There is no such room. `room list` shows all; into a direct one nobody is let."
# The sentences of the chat speak to the person who acts; here somebody acts on others.
_SENTENCES = {
    "room_not_found": _NO_ROOM,
    "direct_room": "In a direct room nothing is changed: its people are all that is in it.",
    "member_not_found": "This person is not in the room. Add them first: room add ROOM USER",
    "person_not_found": "There is no such person, or their account is disabled. People are known by their id, not by"
    " their e-mail address, from their first visit on.",
    "banned": "This person is banned from the room. An owner or admin of it has to unban them.",
    "room_archived": "This room is archived. Open it again: room archive ROOM --undo",
}


def add_to(parser: argparse.ArgumentParser, common: argparse.ArgumentParser) -> None:
    own = parser.add_subparsers(dest="room_command", required=True)
    listing = own.add_parser("list", parents=[common], help="show all rooms")
    listing.add_argument("--direct", action="store_true", help="show the direct ones too")
    listing.set_defaults(run=_list)
    showing = own.add_parser("show", parents=[common], help="show one room and who is in charge of it")
    create = own.add_parser("create", parents=[common], help="make a room")
    create.add_argument("--name", required=True, help="what it is called")
    create.add_argument("--kind", choices=("public", "private"), default="public")
    create.add_argument("--owner", required=True, metavar="USER", help="the id of its owner")
    create.set_defaults(run=_create)
    archive = own.add_parser("archive", parents=[common], help="close a room to all but reading and leaving")
    archive.add_argument("--undo", action="store_true", help="open it again")
    add = own.add_parser("add", parents=[common], help="let a person into a room")
    set_owner = own.add_parser("set-owner", parents=[common], help="make a member an owner")
    for command, run in ((showing, _show), (archive, _archive), (add, _add), (set_owner, _set_owner)):
        command.add_argument("room", metavar="ROOM", help="the room's id, as `room list` shows it")
        command.set_defaults(run=run)
    for command in (add, set_owner):
        command.add_argument("user", metavar="USER", help="the person's id")


async def _list(options: argparse.Namespace) -> None:
    sys.stdout.write(_LINE.format("id", "kind", "members", "messages", "state", "name") + "\n")
    async with opened(options) as (database, _chat):
        oversight, after = Oversight(database), ""
        while page := await oversight.rooms(direct=options.direct, after=after):
            after = page[-1].id
            for room in page:
                values = (room.id, room.kind, f"{room.members:,}", f"{room.messages:,}", _state(room))
                sys.stdout.write(_LINE.format(*values, shown(room.name)).rstrip() + "\n")


async def _show(options: argparse.Namespace) -> None:
    async with opened(options) as (database, _chat):
        found = await Oversight(database).find(RoomId(options.room))
    if found is None:
        raise StartError(_NO_ROOM)
    room, keepers = found
    pairs: list[tuple[str, object]] = [
        ("id", room.id),
        ("name", shown(room.name)),
        ("kind", room.kind),
        ("state", _state(room)),
        ("posting", "owners and admins" if room.read_only else "all members"),
        ("topic", shown(room.topic)),
        ("members", f"{room.members:,}"),
        ("messages", f"{room.messages:,}"),
        ("entries", f"{room.head:,}"),
        ("made", moment(room.created_at)),
        ("last entry", moment(room.last_at)),
    ]
    pairs += [(keeper.role, f"{shown(keeper.name) or '(unknown)'}  {keeper.user}") for keeper in keepers]
    sys.stdout.write(facts(pairs))


async def _create(options: argparse.Namespace) -> None:
    async with _acting(options) as chat:
        room = await administration.create(chat, name=options.name, kind=options.kind, owner=UserId(options.owner))
    sys.stdout.write(
        facts([("id", room.id), ("name", shown(room.name)), ("kind", room.kind), ("owner", options.owner)])
    )


async def _archive(options: argparse.Namespace) -> None:
    async with _acting(options) as chat:
        await administration.archive(chat, RoomId(options.room), archived=not options.undo)
    sys.stdout.write(f"The room {options.room} is {'open again' if options.undo else 'archived'}.\n")


async def _add(options: argparse.Namespace) -> None:
    async with _acting(options) as chat:
        await administration.add(chat, RoomId(options.room), UserId(options.user))
    sys.stdout.write(f"{options.user} is in the room {options.room}.\n")


async def _set_owner(options: argparse.Namespace) -> None:
    async with _acting(options) as chat:
        await administration.set_owner(chat, RoomId(options.room), UserId(options.user))
    sys.stdout.write(f"{options.user} is an owner of the room {options.room}.\n")


@asynccontextmanager
async def _acting(options: argparse.Namespace) -> AsyncIterator[Chat]:
    async with opened(options) as (_database, chat):
        try:
            yield chat
        except AppError as error:
            raise StartError(_SENTENCES.get(error.code, error.message)) from error


def _state(room: RoomLine) -> str:
    return "archived" if room.archived else "open"
