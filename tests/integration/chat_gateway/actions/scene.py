"""Rooms with people in them, and what a refusal says."""

import asyncio
from collections.abc import Awaitable
from typing import Any

from chat_gateway.actions import memberships, rooms
from chat_gateway.core.chat import Chat
from chat_gateway.core.ids import UserId
from chat_gateway.core.people import Person
from chat_gateway.core.rooms import Room
from shared.errors import AppError

ADA, BOB, CY, DAN = UserId("ada"), UserId("bob"), UserId("cy"), UserId("dan")


async def known(chat: Chat, *users: UserId) -> None:
    for user in users:
        await chat.people.know(Person(id=user, name=user.title()))


async def create(chat: Chat, user: UserId, **fields: Any) -> Room:
    return (await rooms.create(chat, user, rooms.CreateRoom(**{"name": "Den", **fields}))).room


async def room_of(chat: Chat, owner: UserId, *members: UserId, admin: UserId | None = None) -> str:
    """Make a public room with these members, one of whom may be an admin."""
    room = (await create(chat, owner)).id
    for member in members:
        await memberships.join(chat, member, memberships.JoinRoom(room=room))
    if admin is not None:
        await memberships.set_role(chat, owner, memberships.GiveRole(room=room, user=admin, role="admin"))
    return room


async def seen(chat: Chat, user: UserId, room: str) -> Room:
    return (await rooms.get(chat, user, rooms.ThisRoom(room))).room


async def mine(chat: Chat, user: UserId) -> set[str]:
    return {room.id for room in (await rooms.list_rooms(chat, user, rooms.ListRooms())).rooms}


async def roster(chat: Chat, user: UserId, room: str, **fields: Any) -> dict[str, str]:
    found = await memberships.members(chat, user, memberships.AskMembers(room=room, **fields))
    return {member.user: member.role for member in found.members}


async def code(asked: Awaitable[object]) -> str:
    """The code of the refusal, or `ok`."""
    (answer,) = await asyncio.gather(asked, return_exceptions=True)
    if isinstance(answer, AppError):
        return answer.code
    assert not isinstance(answer, BaseException), answer
    return "ok"
