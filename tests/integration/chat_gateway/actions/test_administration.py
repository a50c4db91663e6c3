"""An administrator changes rooms from outside of them; the logs tell it like any other change."""

import pytest

from chat_gateway.actions import administration
from chat_gateway.actions.administration import ADMINISTRATOR
from chat_gateway.core.chat import Chat
from chat_gateway.core.entries import Kind
from chat_gateway.core.ids import RoomId, UserId
from chat_gateway.core.people import Person
from shared.errors import NotFound
from tests.integration.chat_gateway.actions.conftest import ADA, BOB

EVE = UserId("eve")


@pytest.fixture(autouse=True)
async def known(chat: Chat) -> None:
    for user in (ADA, BOB):
        await chat.people.know(Person(id=user, name=user.title()))
    await chat.people.know(Person(id=EVE, name="Eve", disabled=True))


async def den(chat: Chat) -> RoomId:
    return (await administration.create(chat, name=" The  den ", kind="private", owner=ADA)).id


async def kinds(chat: Chat, room: RoomId, viewer: UserId) -> list[tuple[int, str, str | None]]:
    page = await chat.history.page(room, viewer, limit=50)
    assert page is not None
    entries = [getattr(item, "entry", item) for item in getattr(page, "items", None) or page.entries]
    return [(entry.kind, entry.author, entry.subject) for entry in entries]


async def test_a_room_is_made_in_the_name_of_its_owner(chat: Chat) -> None:
    room = await administration.create(chat, name=" The  den ", kind="private", owner=ADA)
    assert (room.name, room.kind, room.role) == ("The den", "private", "owner")


@pytest.mark.parametrize("user", ["nobody", EVE])
async def test_nobody_is_taken_in_who_is_not_known_or_disabled(chat: Chat, user: str) -> None:
    with pytest.raises(NotFound, match="person_not_found"):
        await administration.create(chat, name="Den", kind="public", owner=UserId(user))
    room = await den(chat)
    with pytest.raises(NotFound, match="person_not_found"):
        await administration.add(chat, room, UserId(user))


async def test_a_person_is_let_into_a_private_room_once(chat: Chat) -> None:
    room = await den(chat)
    for _ in range(2):
        await administration.add(chat, room, BOB)
    assert await kinds(chat, room, BOB) == [(Kind.MEMBER_JOINED, ADA, ADA), (Kind.MEMBER_JOINED, BOB, BOB)]


async def test_a_room_is_closed_and_opened_by_nobody_of_the_room(chat: Chat) -> None:
    room = await den(chat)
    for archived in (True, True, False):
        await administration.archive(chat, room, archived=archived)
    assert await kinds(chat, room, ADA) == [
        (Kind.MEMBER_JOINED, ADA, ADA),
        (Kind.ROOM_ARCHIVED, ADMINISTRATOR, None),
        (Kind.ROOM_ARCHIVED, ADMINISTRATOR, None),
    ]
    assert [person.disabled for person in await chat.people.get([ADMINISTRATOR])] == [True]


async def test_a_member_becomes_an_owner_beside_those_there_are(chat: Chat) -> None:
    room = await den(chat)
    with pytest.raises(NotFound, match="member_not_found"):
        await administration.set_owner(chat, room, BOB)
    await administration.add(chat, room, BOB)
    for _ in range(2):
        await administration.set_owner(chat, room, BOB)
    assert (await kinds(chat, room, BOB))[-1] == (Kind.MEMBER_ROLE, ADMINISTRATOR, BOB)
    for user in (ADA, BOB):
        found = await chat.rooms.find(room, user)
        assert found is not None
        assert found.role == "owner"


async def test_a_missing_room_is_not_found(chat: Chat) -> None:
    nowhere = RoomId("nowhere")
    with pytest.raises(NotFound, match="room_not_found"):
        await administration.add(chat, nowhere, ADA)
    with pytest.raises(NotFound, match="room_not_found"):
        await administration.archive(chat, nowhere, archived=True)
    with pytest.raises(NotFound, match="room_not_found"):
        await administration.set_owner(chat, nowhere, ADA)
