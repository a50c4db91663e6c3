"""What a person does with rooms. Rooms are reached through the actor: a stranger's and a missing room look alike."""

import uuid
from typing import Annotated, Literal

import msgspec

from chat_gateway.actions import changing
from chat_gateway.core import errors, messages, rooms
from chat_gateway.core.changes import Archive, Create, Update
from chat_gateway.core.chat import Chat
from chat_gateway.core.ids import Id, RoomId, UserId
from chat_gateway.core.rooms import Room
from shared.errors import InvalidInput

MAX_PAGE = 200

_ROOMS = uuid.UUID("5b0b7a1c-4d0e-4f3a-9f57-0a6f1a0f8f52")


class ListRooms(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Public rooms come in pages: `after` is the id of the last room of the page before. One's own come all at once."""

    scope: Literal["mine", "public"] = "mine"
    after: Id | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=MAX_PAGE)] = MAX_PAGE


class ThisRoom(msgspec.Struct, forbid_unknown_fields=True):
    room: Id


class CreateRoom(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """In a `read_only` room only its owners and admins post."""

    name: str
    kind: Literal["public", "private"] = "public"
    topic: str = ""
    read_only: bool = False
    client_id: Id | None = None


class UpdateRoom(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What is left out stays as it is."""

    room: Id
    name: str | None = None
    topic: str | None = None
    read_only: bool | None = None
    client_id: Id | None = None


class ArchiveRoom(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """`archived: false` opens the room again."""

    room: Id
    archived: bool = True
    client_id: Id | None = None


class RoomList(msgspec.Struct, frozen=True):
    """`more`: others come behind these."""

    rooms: list[Room]
    more: bool


class OneRoom(msgspec.Struct, frozen=True):
    room: Room


async def list_rooms(chat: Chat, actor: UserId, request: ListRooms) -> RoomList:
    """List the actor's own rooms, the most recently active first, or the public ones by name, a page at a time."""
    if request.scope == "public":
        after = None if request.after is None else RoomId(request.after)
        page = await chat.rooms.public(actor, after=after, limit=request.limit, within=chat.within)
        if page is None:
            raise errors.room_not_found()
        return RoomList(list(page.rooms), page.more)
    if request.after is not None:
        raise InvalidInput("invalid_request", "after: Your own rooms come all at once, without it.")
    rooms = await chat.rooms.of_member(actor)
    return RoomList([room for room in rooms if chat.within is None or room.id in chat.within], more=False)


async def get(chat: Chat, actor: UserId, request: ThisRoom) -> OneRoom:
    """Show one room: a public one, or one the actor is in."""
    return await show(chat, actor, RoomId(request.room))


async def create(chat: Chat, actor: UserId, request: CreateRoom) -> OneRoom:
    """Make a room and own it. A repeat of `client_id` shows the room made first."""
    client_id = str(chat.new_id()) if request.client_id is None else messages.client_id(request.client_id)
    room = RoomId(str(uuid.uuid5(_ROOMS, f"{actor} {client_id}")))
    name, topic = rooms.room_name(request.name), rooms.room_topic(request.topic)
    await changing.make(
        chat, actor, Create, room, client_id, name=name, kind=request.kind, topic=topic, read_only=request.read_only
    )
    return await show(chat, actor, room)


async def update(chat: Chat, actor: UserId, request: UpdateRoom) -> OneRoom:
    """Change what a room is called or about, or who posts in it: as an owner or admin."""
    name = None if request.name is None else rooms.room_name(request.name)
    topic = None if request.topic is None else rooms.room_topic(request.topic)
    await changing.make(
        chat, actor, Update, request.room, request.client_id, name=name, topic=topic, read_only=request.read_only
    )
    return await show(chat, actor, RoomId(request.room))


async def archive(chat: Chat, actor: UserId, request: ArchiveRoom) -> OneRoom:
    """Close a room to all but reading and leaving, or open it again: as an owner."""
    await changing.make(chat, actor, Archive, request.room, request.client_id, archived=request.archived)
    return await show(chat, actor, RoomId(request.room))


async def show(chat: Chat, actor: UserId, room_id: RoomId) -> OneRoom:
    """Answer with the room as the actor sees it. Raises NotFound `room_not_found`."""
    room = await chat.rooms.find(room_id, actor)
    if room is None:
        raise errors.room_not_found()
    return OneRoom(room)
