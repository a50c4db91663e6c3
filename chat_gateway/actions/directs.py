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
    """Open the room of the actor and these people, which is the same one every time. All are in it at once."""
    people = tuple(sorted({actor, *(UserId(user) for user in request.users)}))
    if len(people) == 1:
        raise InvalidInput("invalid_request", "A direct room needs somebody else. Name one to nine others.")
    room = directs.direct_room(people)
    await changing.make(chat, actor, OpenDirect, room, request.client_id, people=people)
    return await show(chat, actor, room)
