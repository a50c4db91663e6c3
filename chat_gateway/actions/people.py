"""Who the others are."""

from typing import Annotated

import msgspec

from chat_gateway.core.chat import Chat
from chat_gateway.core.ids import UserId


class GetPeople(msgspec.Struct, forbid_unknown_fields=True):
    users: Annotated[list[str], msgspec.Meta(max_length=500)]


class PersonView(msgspec.Struct, frozen=True):
    id: str
    name: str
    picture: str


class PeopleList(msgspec.Struct, frozen=True):
    people: list[PersonView]


async def get(chat: Chat, _actor: UserId, request: GetPeople) -> PeopleList:
    """Give names and pictures; ids nobody has are left out."""
    people = await chat.people.get([UserId(user) for user in dict.fromkeys(request.users)])
    return PeopleList([PersonView(person.id, person.name, person.picture) for person in people])
