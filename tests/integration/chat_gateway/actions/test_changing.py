from collections.abc import Awaitable, Callable

import msgspec
import pytest
import uuid_utils

from chat_gateway.actions import administration, api_keys, arrivals, changing, directs, invitations, memberships
from chat_gateway.core.changes import Create
from chat_gateway.core.chat import Chat
from chat_gateway.core.ids import RoomId
from chat_gateway.core.limits import ChatLimits
from chat_gateway.core.people import Person
from chat_gateway.store.api_keys import ApiKeys
from chat_gateway.store.database import Database
from shared.errors import Conflict, InvalidInput
from tests.integration.chat_gateway.actions.scene import ADA, BOB, create, known, mine, room_of

OWN = str(uuid_utils.uuid7())
KEY = ("0123456789ab", "s" * 43)


async def test_a_change_is_made_by_its_actor_with_the_id_it_brought(chat: Chat) -> None:
    made = await changing.make(chat, ADA, Create, "den", OWN.upper(), name="Den", kind="public")
    again = await changing.make(chat, ADA, Create, "den", OWN, name="Den", kind="public")
    assert made.entry is not None
    assert (made.entry.author, made.entry.client_id, made.entry.log) == (ADA, OWN, "room:den")
    assert (again.entry, again.repeated) == (made.entry, True)


async def test_what_brings_no_id_is_never_a_repeat(chat: Chat) -> None:
    made = await changing.make(chat, ADA, Create, "den", name="Den", kind="public")
    assert made.entry is not None
    assert str(made.entry.client_id) == str(made.entry.id)


async def test_an_id_that_is_no_uuid_is_refused(chat: Chat) -> None:
    with pytest.raises(InvalidInput, match="client_id"):
        await changing.make(chat, ADA, Create, "den", "mine", name="Den", kind="public")


@pytest.fixture
def narrow(chat: Chat) -> Chat:
    """The same chat where nobody may be in more than two rooms."""
    return msgspec.structs.replace(chat, limits=ChatLimits(rooms_per_person=2))


async def test_every_way_into_a_room_ends_where_a_person_is_in_as_many_as_may_be(
    chat: Chat, narrow: Chat, url: str
) -> None:
    await known(chat, ADA, BOB)
    owned, private = await room_of(chat, BOB), await create(chat, BOB, kind="private")
    invite = await invitations.invite(chat, BOB, invitations.InviteToRoom(room=private.id))
    await create(narrow, ADA)
    await create(narrow, ADA)
    ways: list[Callable[[], Awaitable[object]]] = [
        lambda: create(narrow, ADA),
        lambda: memberships.join(narrow, ADA, memberships.JoinRoom(room=owned)),
        lambda: memberships.join(narrow, ADA, memberships.JoinRoom(invite=invite.invite)),
        lambda: directs.open_direct(narrow, ADA, directs.Open(users=[BOB])),
        lambda: directs.open_direct(narrow, BOB, directs.Open(users=[ADA])),
        lambda: administration.add(narrow, RoomId(owned), ADA),
        lambda: administration.create(narrow, name="Den", kind="public", owner=ADA),
    ]
    for way in ways:
        with pytest.raises(Conflict) as refused:
            await way()
        assert (refused.value.code, "more rooms than 2" in refused.value.message) == ("too_many_rooms", True)
    database = Database(url)
    with pytest.raises(Conflict, match="too_many_rooms"):
        await api_keys.create(
            narrow, ApiKeys(database), name="CI", verbs=["typing"], rooms=[owned, private.id, "lobby"], parts=KEY, now=1
        )
    await database.close()
    assert len(await mine(chat, ADA)) == 2


async def test_whoever_is_in_more_rooms_already_stays(chat: Chat, narrow: Chat) -> None:
    rooms = {(await create(chat, ADA)).id for _ in range(3)}
    assert {room.id for room in await arrivals.arrive(narrow, Person(id=ADA, name="Ada"))} == rooms
    await memberships.leave(narrow, ADA, memberships.LeaveRoom(room=min(rooms)))
    with pytest.raises(Conflict, match="too_many_rooms"):
        await create(narrow, ADA)
    await memberships.leave(narrow, ADA, memberships.LeaveRoom(room=max(rooms)))
    await create(narrow, ADA)
