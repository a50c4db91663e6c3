"""What a person does with rooms. Rooms are reached through the actor: a stranger's and a missing room look alike."""

import uuid
from typing import Literal

import msgspec

from chat_gateway.core import errors, messages, rooms
from chat_gateway.core.changes import Create, Join, Leave, Remove
from chat_gateway.core.chat import Chat
from chat_gateway.core.ids import ClientId, EntryId, RoomId, UserId
from chat_gateway.core.rooms import Room, RoomKind

_ROOMS = uuid.UUID("5b0b7a1c-4d0e-4f3a-9f57-0a6f1a0f8f52")


class ListRooms(msgspec.Struct, forbid_unknown_fields=True):
    scope: Literal["mine", "public"] = "mine"


class ThisRoom(msgspec.Struct, forbid_unknown_fields=True):
    room: str


class CreateRoom(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    name: str
    kind: RoomKind = "public"
    client_id: str | None = None


class ChangeMembership(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    room: str
    client_id: str | None = None


class RemoveMember(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    room: str
    user: str
    client_id: str | None = None


class RoomList(msgspec.Struct, frozen=True):
    rooms: list[Room]


class OneRoom(msgspec.Struct, frozen=True):
    room: Room


class Done(msgspec.Struct, frozen=True):
    pass


async def list_rooms(chat: Chat, actor: UserId, request: ListRooms) -> RoomList:
    """List the actor's own rooms, the most recently active first, or all public ones by name."""
    if request.scope == "mine":
        return RoomList(await chat.rooms.of_member(actor))
    return RoomList(await chat.rooms.public(actor))


async def get(chat: Chat, actor: UserId, request: ThisRoom) -> OneRoom:
    """Show one room. Raises NotFound `room_not_found`."""
    return await _show(chat, actor, RoomId(request.room))


async def create(chat: Chat, actor: UserId, request: CreateRoom) -> OneRoom:
    """Make a room and own it. A repeat of `client_id` shows the room made first."""
    entry_id = chat.new_id()
    client_id = _client_id(request.client_id, entry_id)
    room = RoomId(str(uuid.uuid5(_ROOMS, f"{actor} {client_id}")))
    await chat.log.append(
        Create(
            id=entry_id,
            room=room,
            author=actor,
            client_id=client_id,
            name=rooms.room_name(request.name),
            kind=request.kind,
        )
    )
    return await _show(chat, actor, room)


async def join(chat: Chat, actor: UserId, request: ChangeMembership) -> OneRoom:
    """Join a public room. Whoever is in already gets the room as it is."""
    entry_id = chat.new_id()
    room = RoomId(request.room)
    client_id = _client_id(request.client_id, entry_id)
    await chat.log.append(Join(id=entry_id, room=room, author=actor, client_id=client_id))
    return await _show(chat, actor, room)


async def leave(chat: Chat, actor: UserId, request: ChangeMembership) -> Done:
    """Leave a room."""
    entry_id = chat.new_id()
    client_id = _client_id(request.client_id, entry_id)
    await chat.log.append(Leave(id=entry_id, room=RoomId(request.room), author=actor, client_id=client_id))
    return Done()


async def remove(chat: Chat, actor: UserId, request: RemoveMember) -> Done:
    """Remove a member. Nothing that stands above the removal in the room's log is written to them any more."""
    entry_id = chat.new_id()
    await chat.log.append(
        Remove(
            id=entry_id,
            room=RoomId(request.room),
            author=actor,
            client_id=_client_id(request.client_id, entry_id),
            subject=UserId(request.user),
        )
    )
    return Done()


def _client_id(given: str | None, entry_id: EntryId) -> ClientId:
    return ClientId(entry_id) if given is None else messages.client_id(given)


async def _show(chat: Chat, actor: UserId, room_id: RoomId) -> OneRoom:
    room = await chat.rooms.find(room_id, actor)
    if room is None:
        raise errors.room_not_found()
    return OneRoom(room)
