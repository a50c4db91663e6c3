import pytest

from chat_gateway.core.ids import UserId
from chat_gateway.core.people import Person
from shared.errors import AppError, InvalidInput
from tests.integration.chat_gateway.store.gateway import Gateway, rows


def person(user: str, name: str = "Name", *, disabled: bool = False) -> Person:
    return Person(id=UserId(user), name=name, picture=f"{user}.png", disabled=disabled)


async def test_people_of_the_feed_are_known_with_all_they_have(gateway: Gateway) -> None:
    people = [person("ann"), person("bob", disabled=True)]
    await gateway.people.apply_feed([(3, people[0]), (5, people[1])], cursor=5)
    found = await gateway.people.get([UserId("ann"), UserId("bob"), UserId("nobody")])
    assert sorted(found, key=lambda one: one.id) == people
    assert await gateway.people.cursor() == 5


async def test_nothing_older_replaces_anything_newer(gateway: Gateway) -> None:
    assert await gateway.people.cursor() == 0
    await gateway.people.apply_feed([(5, person("ann", "new"))], cursor=5)
    await gateway.people.apply_feed([(3, person("ann", "old")), (4, person("bob"))], cursor=4)
    (ann,) = await gateway.people.get([UserId("ann")])
    assert ann.name == "new"
    assert await gateway.people.cursor() == 5
    await gateway.people.apply_feed([(6, person("ann", "newest"))], cursor=6)
    (ann,) = await gateway.people.get([UserId("ann")])
    assert ann.name == "newest"


async def test_a_page_without_people_moves_the_cursor(gateway: Gateway) -> None:
    await gateway.people.apply_feed([], cursor=9)
    assert await gateway.people.cursor() == 9


async def test_a_token_makes_its_user_known_but_overwrites_nothing(gateway: Gateway, other: Gateway) -> None:
    await gateway.people.know(person("ann", "from token"))
    await other.people.know(person("ann", "from another token"))
    (ann,) = await gateway.people.get([UserId("ann")])
    assert ann.name == "from token"
    await gateway.people.apply_feed([(1, person("ann", "from feed"))], cursor=1)
    (ann,) = await gateway.people.get([UserId("ann")])
    assert ann.name == "from feed"


async def found(gateway: Gateway, *words: str) -> list[str]:
    return [one.id for one in await gateway.people.search(words, 10)]


async def test_people_are_found_by_the_name_they_have_now(gateway: Gateway, other: Gateway) -> None:
    await gateway.people.know(person("ann", "Ann Early"))
    assert await found(gateway, "ear") == ["ann"]
    await gateway.people.apply_feed([(2, person("ann", "Ann Late")), (3, person("bob", "Bob Late"))], cursor=3)
    assert (await found(gateway, "ear"), await found(gateway, "late")) == ([], ["ann", "bob"])
    await other.people.apply_feed([(1, person("ann", "Ann Older"))], cursor=1)
    await other.people.know(person("ann", "Ann Token"))
    assert (await found(gateway, "old"), await found(gateway, "tok")) == ([], [])
    assert await found(gateway, "la", "bo") == ["bob"]
    await gateway.people.apply_feed([(4, person("ann", "Ann Late", disabled=True))], cursor=4)
    assert await found(gateway, "late") == ["bob"]


async def test_a_block_stands_until_it_is_taken_back(gateway: Gateway) -> None:
    ann, bob = UserId("ann"), UserId("bob")
    for _ in range(2):
        await gateway.people.block(ann, bob)
    assert await rows(gateway.url, "SELECT * FROM block") == [("ann", "bob")]
    await gateway.people.unblock(bob, ann)
    assert await rows(gateway.url, "SELECT count(*) FROM block") == [(1,)]
    await gateway.people.unblock(ann, bob)
    assert await rows(gateway.url, "SELECT count(*) FROM block") == [(0,)]


async def test_a_page_with_one_bad_person_changes_nothing(gateway: Gateway) -> None:
    with pytest.raises(InvalidInput):
        await gateway.people.apply_feed([(1, person("ann")), (2, person("bob", "bad \ud800"))], cursor=2)
    assert await gateway.people.get([UserId("ann"), UserId("bob")]) == []
    assert await gateway.people.cursor() == 0


async def test_an_id_no_database_takes_is_the_askers_mistake(gateway: Gateway) -> None:
    with pytest.raises(AppError, match="invalid_request"):
        await gateway.rooms.find("bad \ud800", UserId("ann"))  # type: ignore[arg-type]
