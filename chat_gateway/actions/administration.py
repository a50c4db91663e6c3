"""What an administrator of the server does with rooms, whoever is in them: for the command line, never for a client.

Each is a change of the room's log like any other. Where nobody of the room does it, its author is ADMINISTRATOR.
"""

from typing import Literal

from chat_gateway.actions import changing, rooms
from chat_gateway.core import errors
from chat_gateway.core.changes import Archive, Join, SetRole
from chat_gateway.core.chat import Chat
from chat_gateway.core.ids import RoomId, UserId
from chat_gateway.core.people import Person
from chat_gateway.core.rooms import Room

ADMINISTRATOR = UserId("administrator")
"""No id of the auth service looks like this, so nobody can log in as it; disabled, so nobody finds it to talk to."""

_PERSON = Person(id=ADMINISTRATOR, name="Administrator", disabled=True)


async def create(chat: Chat, *, name: str, kind: Literal["public", "private"], owner: UserId) -> Room:
    """Make a room in the name of its owner. Raises NotFound `person_not_found`."""
    await _known(chat, owner)
    return (await rooms.create(chat, owner, rooms.CreateRoom(name=name, kind=kind))).room


async def add(chat: Chat, room: RoomId, user: UserId) -> None:
    """Let a person into any room but a direct one. One who is in already stays as they are."""
    await _known(chat, user)
    await changing.make(chat, user, Join, room, admitted=True)


async def archive(chat: Chat, room: RoomId, *, archived: bool) -> None:
    await chat.people.know(_PERSON)
    await changing.make(chat, ADMINISTRATOR, Archive, room, archived=archived, by_administrator=True)


async def set_owner(chat: Chat, room: RoomId, user: UserId) -> None:
    """Make a member an owner; those who are owners stay it. Raises NotFound `member_not_found`."""
    await chat.people.know(_PERSON)
    await changing.make(chat, ADMINISTRATOR, SetRole, room, subject=user, role="owner", by_administrator=True)


async def _known(chat: Chat, user: UserId) -> None:
    if not any(not person.disabled for person in await chat.people.get([user])):
        raise errors.person_not_found()
