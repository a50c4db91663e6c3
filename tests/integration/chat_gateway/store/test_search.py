"""One meaning of a search on both databases."""

import pytest

from chat_gateway.core.ids import RoomId, UserId
from chat_gateway.core.people import Person
from chat_gateway.core.ports import Found
from chat_gateway.core.search import parse
from chat_gateway.store.search import Search
from chat_gateway.store.search_index import SearchIndex
from tests.integration.chat_gateway.store.gateway import LOBBY, Gateway, execute, leave

ANN, BOB = UserId("ann"), UserId("bob")


async def told(gateway: Gateway, *texts: str, user: str = "ann", room: str = LOBBY) -> list[int]:
    """Post the texts and index them; answers their offsets."""
    offsets = [(await gateway.post(user, text, room)).offset for text in texts]
    while await SearchIndex(gateway.database).catch_up():
        pass
    return offsets


async def found(
    gateway: Gateway, query: str, viewer: UserId = ANN, *, inside: bool = True, limit: int = 50
) -> list[int]:
    search = Search(gateway.database, inside=inside)
    return sorted(one.offset for one in await search.find(viewer, parse(query), below=None, limit=limit))


@pytest.fixture(autouse=True)
async def ann_and_bob_are_in(gateway: Gateway) -> None:
    await gateway.join("ann")
    await gateway.join("bob")


async def test_words_are_found_by_their_beginning_whatever_their_case(gateway: Gateway) -> None:
    tower, other = await told(gateway, "The Tower falls", "nothing here")
    for query in ("tower", "TOW", "falls the", "to"):
        assert await found(gateway, query) == [tower]
    assert await found(gateway, "nothing") == [other]
    assert await found(gateway, "tower nothing") == []


async def test_a_part_inside_a_word_is_found_unless_that_is_turned_off(gateway: Gateway) -> None:
    [offset] = await told(gateway, "an underwater Lighthouse")
    for query in ("house", "ghth", "water light"):
        assert await found(gateway, query) == [offset]
    assert await found(gateway, "house", inside=False) == []
    assert await found(gateway, "light", inside=False) == [offset]
    assert await found(gateway, "watlig") == []


async def test_text_without_spaces_is_found_wherever_it_stands(gateway: Gateway) -> None:
    tokyo, kyoto = await told(gateway, "明日は東京タワーへ行く", "京都の東 and 京")
    assert await found(gateway, "東京") == [tokyo]
    assert await found(gateway, "京タワ") == [tokyo]
    assert await found(gateway, "京") == [tokyo, kyoto]
    assert await found(gateway, "東 and") == [kyoto]
    assert await found(gateway, "京タ東京") == []


async def test_grams_that_all_stand_there_but_not_in_a_row_find_nothing(gateway: Gateway) -> None:
    await told(gateway, "abcd bcde")
    assert await found(gateway, "abcde") == []


async def test_a_phrase_stands_there_as_it_is(gateway: Gateway) -> None:
    one, other = await told(gateway, "the big red dog", "the red big dog")
    assert await found(gateway, '"big red"') == [one]
    assert await found(gateway, "big red") == [one, other]


@pytest.mark.parametrize(
    "query", ["100%", "a_b", "o'neil", 'say "', "c++", "x & y | !z", "NEAR(x y)", "tokens:x", "{grams}"]
)
async def test_signs_of_any_query_language_mean_nothing(gateway: Gateway, query: str) -> None:
    await told(gateway, "a1 harmless")
    assert await found(gateway, query) == []


async def test_a_sign_in_like_is_only_a_sign(gateway: Gateway) -> None:
    exact, _ = await told(gateway, "snake_case here", "snakeXcase here")
    assert await found(gateway, "snake_case") == [exact]


async def test_only_rooms_the_viewer_is_in_now_are_looked_at(gateway: Gateway) -> None:
    den = await gateway.create("ann", kind="private")
    [hidden] = await told(gateway, "the secret word", room=den)
    assert await found(gateway, "secret") == [hidden]
    assert await found(gateway, "secret", BOB) == []
    await gateway.join("carol")
    [open_to_all] = await told(gateway, "an open secret", user="carol")
    assert await found(gateway, "secret", BOB) == [open_to_all]
    await gateway.log.append(leave("bob"))
    assert await found(gateway, "secret", BOB) == []
    assert await found(gateway, "密", BOB) == []


async def test_filters_narrow_by_author_room_day_link_and_pin(gateway: Gateway) -> None:
    await gateway.people.apply_feed([(1, Person(id=BOB, name="Bób Lee"))], cursor=1)
    den = await gateway.create("ann", name="Über Den")
    [plain] = await told(gateway, "word one", user="bob")
    [in_den] = await told(gateway, "word two http://example.org", room=den)
    assert await found(gateway, "word from:me") == [in_den]
    assert await found(gateway, 'from:"BÓB lee"') == [plain]
    assert await found(gateway, "from:bób from:!") == []
    assert await found(gateway, "from:bob word") == [plain]
    assert await found(gateway, 'word in:"über den"') == [in_den]
    assert await found(gateway, "word in:den") == []
    assert await found(gateway, f"word in:{LOBBY}") == [plain]
    assert await found(gateway, "has:link") == [in_den]
    assert await found(gateway, "word before:2000-01-01") == []
    assert await found(gateway, "word after:2000-01-01") == sorted([plain, in_den])
    await execute(gateway.url, f"INSERT INTO message (room_id, \"offset\", pinned_at) VALUES ('{LOBBY}', {plain}, 1)")
    assert await found(gateway, "word has:pin") == [plain]


async def test_pages_follow_each_other_from_the_newest_without_a_gap(gateway: Gateway) -> None:
    offsets = await told(gateway, *(f"word {number}" for number in range(5)))
    search, seen = Search(gateway.database), []
    below: Found | None = None
    while page := await search.find(ANN, parse("word"), below=below, limit=2):
        seen += [one.offset for one in page]
        below = page[-1]
    assert seen == offsets[::-1]
    assert below is not None
    assert below.room == RoomId(LOBBY)
