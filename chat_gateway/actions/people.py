"""Who the others are, and whom one does not want to hear from."""

from typing import Annotated

import msgspec

from chat_gateway.actions.memberships import Done
from chat_gateway.core import errors
from chat_gateway.core.chat import Chat
from chat_gateway.core.ids import Id, UserId
from chat_gateway.core.people import MAX_QUERY, Person, name_words
from shared.errors import InvalidInput

MAX_FOUND = 50


class GetPeople(msgspec.Struct, forbid_unknown_fields=True):
    users: Annotated[list[Id], msgspec.Meta(max_length=500)]


class FindPeople(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Each word of `query` begins a word of the name, in any order and case."""

    query: Annotated[str, msgspec.Meta(max_length=MAX_QUERY)]
    limit: Annotated[int, msgspec.Meta(ge=1, le=MAX_FOUND)] = 20


class ThisPerson(msgspec.Struct, forbid_unknown_fields=True):
    user: Id


class PersonView(msgspec.Struct, frozen=True):
    """Whoever is `disabled` cannot log in any more; who has no name then was deleted, and is gone for good."""

    id: str
    name: str
    picture: str
    disabled: bool


class PeopleList(msgspec.Struct, frozen=True):
    people: list[PersonView]


async def get(chat: Chat, _actor: UserId, request: GetPeople) -> PeopleList:
    """Give names and pictures; ids nobody has are left out."""
    return _views(await chat.people.get([UserId(user) for user in dict.fromkeys(request.users)]))


async def search(chat: Chat, _actor: UserId, request: FindPeople) -> PeopleList:
    """Find people by the beginnings of their names' words. Disabled accounts are left out."""
    words = name_words(request.query)
    return _views(await chat.people.search(words, request.limit) if words else [])


async def block(chat: Chat, actor: UserId, request: ThisPerson) -> Done:
    """Keep a person from opening a direct room with the actor, and from posting in the one of the two."""
    blocked = UserId(request.user)
    if blocked == actor:
        raise InvalidInput("invalid_request", "You cannot block yourself. Name somebody else.")
    if not await chat.people.get([blocked]):
        raise errors.person_not_found()
    await chat.people.block(actor, blocked)
    return Done()


async def unblock(chat: Chat, actor: UserId, request: ThisPerson) -> Done:
    """Take a block back. One that is not there is none to take back."""
    await chat.people.unblock(actor, UserId(request.user))
    return Done()


def _views(people: list[Person]) -> PeopleList:
    return PeopleList([PersonView(one.id, one.name, one.picture, one.disabled) for one in people])
