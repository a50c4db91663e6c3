from chat_gateway.actions import people
from chat_gateway.core.chat import Chat
from chat_gateway.core.people import Person
from tests.integration.chat_gateway.actions.conftest import ADA, BOB


async def test_names_and_pictures_come_once_each_and_strangers_are_left_out(chat: Chat) -> None:
    await chat.people.know(Person(id=ADA, name="Ada", picture="shape:3"))
    await chat.people.know(Person(id=BOB, name="Bob"))
    found = await people.get(chat, ADA, people.GetPeople([BOB, ADA, "nobody", BOB]))
    assert sorted(found.people, key=lambda person: person.id) == [
        people.PersonView(ADA, "Ada", "shape:3"),
        people.PersonView(BOB, "Bob", ""),
    ]


async def test_what_a_token_says_does_not_overwrite_what_is_known(chat: Chat) -> None:
    await chat.people.know(Person(id=ADA, name="Ada"))
    await chat.people.know(Person(id=ADA, name="An old name"))
    assert (await people.get(chat, BOB, people.GetPeople([ADA]))).people == [people.PersonView(ADA, "Ada", "")]
