from chat_gateway.actions import memberships, rooms
from chat_gateway.actions.arrivals import arrive
from chat_gateway.core.chat import Chat
from chat_gateway.core.ids import UserId
from chat_gateway.core.people import Person

ADA = Person(id=UserId("ada"), name="Ada")
LOBBY = memberships.LeaveRoom(room="lobby")


async def test_a_newcomer_is_known_and_in_the_default_room(chat: Chat) -> None:
    assert [room.id for room in await arrive(chat, ADA)] == ["lobby"]
    assert [person.name for person in await chat.people.get([ADA.id])] == ["Ada"]


async def test_who_is_in_a_room_is_taken_nowhere(chat: Chat) -> None:
    made = await rooms.create(chat, ADA.id, rooms.CreateRoom(name="Den"))
    assert [room.id for room in await arrive(chat, ADA)] == [made.room.id]


async def test_who_left_stays_outside(chat: Chat) -> None:
    await arrive(chat, ADA)
    await memberships.leave(chat, ADA.id, LOBBY)
    assert await arrive(chat, ADA) == []


async def test_who_was_removed_stays_outside(chat: Chat) -> None:
    await arrive(chat, ADA)
    made = await rooms.create(chat, UserId("bob"), rooms.CreateRoom(name="Den"))
    await memberships.join(chat, ADA.id, memberships.JoinRoom(room=made.room.id))
    await memberships.leave(chat, ADA.id, LOBBY)
    await memberships.remove(chat, UserId("bob"), memberships.ThisMember(room=made.room.id, user="ada"))
    assert await arrive(chat, ADA) == []
