"""Talking to a few people directly."""

from typing import Annotated

import msgspec

from chat_gateway.actions import changing
from chat_gateway.actions.rooms import OneRoom, show
from chat_gateway.core import directs
from chat_gateway.core.changes import OpenDirect
from chat_gateway.core.chat import Chat
from chat_gateway.core.ids import Id, UserId
from shared.errors import InvalidInput


class Open(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    users: Annotated[list[Id], msgspec.Meta(min_length=1, max_length=directs.MAX_OTHERS)]
    client_id: Id | None = None


async def open_direct(chat: Chat, actor: UserId, request: Open) -> OneRoom:
    """Open the room of the actor and these people, which is the same one every time. All are in it at once.

    Only so many new ones may be opened in an hour; tries that are refused count.
    """
    people = tuple(sorted({actor, *(UserId(user) for user in request.users)}))
    if len(people) == 1:
        raise InvalidInput("invalid_request", "A direct room needs somebody else. Name one to nine others.")
    room = directs.direct_room(people)
    found = await chat.rooms.find(room, actor)
    if found is not None:
        return OneRoom(found)
    # Everybody is in a room without being asked, and in so many at most: a stranger must not fill them all.
    chat.check_new_direct(actor)
    await changing.make(chat, actor, OpenDirect, room, request.client_id, people=people)
    return await show(chat, actor, room)
