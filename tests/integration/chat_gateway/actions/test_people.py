import pytest

from chat_gateway.actions import people
from chat_gateway.actions.people import FindPeople, GetPeople, PersonView, ThisPerson
from chat_gateway.core.chat import Chat
from chat_gateway.core.ids import UserId
from chat_gateway.core.people import Person
from shared.errors import InvalidInput
from tests.integration.chat_gateway.actions.scene import ADA, BOB, CY, DAN, code, known
from tests.integration.chat_gateway.store.gateway import rows


async def test_names_and_pictures_come_once_each_and_strangers_are_left_out(chat: Chat) -> None:
    await chat.people.know(Person(id=ADA, name="Ada", picture="shape:3"))
    await chat.people.know(Person(id=BOB, name="Bob", disabled=True))
    found = await people.get(chat, ADA, GetPeople([BOB, ADA, "nobody", BOB]))
    assert sorted(found.people, key=lambda person: person.id) == [
        PersonView(ADA, "Ada", "shape:3", disabled=False),
        PersonView(BOB, "Bob", "", disabled=True),
    ]


async def test_what_a_token_says_does_not_overwrite_what_is_known(chat: Chat) -> None:
    await chat.people.know(Person(id=ADA, name="Ada"))
    await chat.people.know(Person(id=ADA, name="An old name"))
    assert (await people.get(chat, BOB, GetPeople([ADA]))).people == [PersonView(ADA, "Ada", "", disabled=False)]
    assert await found(chat, "old") == []


async def found(chat: Chat, query: str, limit: int = 20) -> list[UserId]:
    return [UserId(one.id) for one in (await people.search(chat, ADA, FindPeople(query=query, limit=limit))).people]


async def test_people_are_found_by_the_beginnings_of_their_names_words(chat: Chat) -> None:
    for user, name in {ADA: "Ada Lovelace", BOB: "Béla LOVÁSZ", CY: "Cyan Adams-Love", DAN: "Danube"}.items():
        await chat.people.know(Person(id=user, name=name))
    assert await found(chat, "lov") == [CY, ADA, BOB]
    assert await found(chat, "LOVÁ") == [BOB]
    assert await found(chat, "ad") == [ADA, CY]
    assert await found(chat, "love ad") == [CY, ADA]
    assert await found(chat, "velace") == []
    assert await found(chat, "lov", limit=2) == [CY, ADA]


async def test_one_whose_name_has_two_such_words_is_found_once(chat: Chat) -> None:
    await chat.people.know(Person(id=ADA, name="Ann Anna Annabel"))
    assert await found(chat, "ann") == [ADA]


@pytest.mark.parametrize("query", ["", " ", "!?", "%", "_", "a%"])
async def test_a_query_is_words_and_no_pattern(chat: Chat, query: str) -> None:
    await chat.people.know(Person(id=BOB, name="Bob"))
    assert await found(chat, query) == []


async def test_disabled_accounts_are_not_found(chat: Chat) -> None:
    await chat.people.know(Person(id=BOB, name="Bob", disabled=True))
    assert await found(chat, "bob") == []


async def test_a_block_is_made_and_taken_back_any_number_of_times(chat: Chat, url: str) -> None:
    await known(chat, BOB)
    for act, left in ((people.block, [(ADA, BOB)]), (people.unblock, [])):
        for _ in range(2):
            await act(chat, ADA, ThisPerson(BOB))
        assert await rows(url, "SELECT * FROM block") == left


async def test_only_another_person_may_be_blocked(chat: Chat) -> None:
    assert await code(people.block(chat, ADA, ThisPerson("nobody"))) == "person_not_found"
    with pytest.raises(InvalidInput):
        await people.block(chat, ADA, ThisPerson(ADA))
    assert await code(people.unblock(chat, ADA, ThisPerson("nobody"))) == "ok"
