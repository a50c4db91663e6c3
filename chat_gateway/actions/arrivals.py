"""What a person's first appearance does, by whichever face of the chat they come."""

import contextlib
import uuid

from chat_gateway.actions import changing
from chat_gateway.core.changes import Join
from chat_gateway.core.chat import Chat
from chat_gateway.core.people import Person
from chat_gateway.core.rooms import DEFAULT_ROOM, Room
from shared.errors import Conflict, Forbidden, NotFound

_FIRST_VISITS = uuid.UUID("9d3c1f0e-7c55-4d0c-8f6b-5f6f2b2f6a11")


async def arrive(chat: Chat, person: Person) -> list[Room]:
    """Know the person, and answer their rooms; who is in none joins the default room, once and for all.

    The fixed client_id makes any later join of this kind a repeat, so whoever left or was removed stays outside. A
    default room that lets nobody in, or not this person, keeps no one from the rest of the chat.
    """
    await chat.people.know(person)
    rooms = await chat.rooms.of_member(person.id)
    if rooms:
        return rooms
    client_id = str(uuid.uuid5(_FIRST_VISITS, person.id))
    with contextlib.suppress(NotFound, Forbidden, Conflict):
        await changing.make(chat, person.id, Join, DEFAULT_ROOM, client_id)
    return await chat.rooms.of_member(person.id)
