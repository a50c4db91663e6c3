"""A search as a person does it, from the posting to the page of results, on both databases."""

import json

import pytest

from chat_gateway.actions import memberships, messages, search, targets
from chat_gateway.core.chat import Chat
from chat_gateway.core.rooms import DEFAULT_ROOM
from chat_gateway.store.database import Database
from chat_gateway.store.search_index import SearchIndex
from shared.errors import InvalidInput
from tests.integration.chat_gateway.actions.conftest import ADA, BOB
from tests.integration.chat_gateway.store.gateway import rows


@pytest.fixture(autouse=True)
async def both_are_in_the_lobby(chat: Chat) -> None:
    for user in (ADA, BOB):
        await memberships.join(chat, user, memberships.JoinRoom(room=DEFAULT_ROOM))


async def post(chat: Chat, body: str, **more: str) -> messages.Posted:
    return await messages.post(chat, ADA, messages.PostMessage(room=DEFAULT_ROOM, body=body, **more))


async def indexed(url: str) -> None:
    database = Database(url)
    while await SearchIndex(database).catch_up():
        pass
    await database.close()


async def bodies(chat: Chat, query: str) -> list[str]:
    hits = (await search.find(chat, BOB, search.SearchRequest(query=query))).hits
    entries = [json.loads(bytes(hit.entry)) for hit in hits]
    return [entry.get("state", {}).get("body") or entry["content"]["body"] for entry in entries]


async def test_a_message_is_found_with_what_it_answers_and_what_became_of_it(chat: Chat, url: str) -> None:
    first = await post(chat, "the tower")
    await post(chat, "the answer", reply_to=first.id)
    await messages.edit(chat, ADA, messages.EditMessage(room=DEFAULT_ROOM, message=first.id, body="the 東京 tower"))
    await indexed(url)
    assert await bodies(chat, "東京") == ["the 東京 tower"]
    assert await bodies(chat, "the") == ["the answer", "the 東京 tower"]
    [hit] = (await search.find(chat, BOB, search.SearchRequest(query="answer"))).hits
    assert json.loads(bytes(hit.entry))["reply"]["body"] == "the 東京 tower"
    assert hit.room == DEFAULT_ROOM


async def test_a_text_that_was_edited_away_is_not_found(chat: Chat, url: str) -> None:
    posted = await post(chat, "before")
    await indexed(url)
    await messages.edit(chat, ADA, messages.EditMessage(room=DEFAULT_ROOM, message=posted.id, body="after"))
    await indexed(url)
    assert await bodies(chat, "before") == []
    assert await bodies(chat, "after") == ["after"]


async def test_a_deleted_message_is_gone_from_the_search_at_once_and_stays_so(chat: Chat, url: str) -> None:
    posted = await post(chat, "gone")
    await indexed(url)
    await messages.delete(chat, ADA, targets.ThisMessage(room=DEFAULT_ROOM, message=posted.id))
    assert await bodies(chat, "gone") == []
    assert await rows(url, "SELECT count(*) FROM search") == [(0,)]
    await indexed(url)
    assert await rows(url, "SELECT count(*) FROM search") == [(0,)]


async def test_a_message_that_is_deleted_before_it_was_indexed_never_is(chat: Chat, url: str) -> None:
    posted = await post(chat, "gone")
    await messages.edit(chat, ADA, messages.EditMessage(room=DEFAULT_ROOM, message=posted.id, body="gone as well"))
    await messages.delete(chat, ADA, targets.ThisMessage(room=DEFAULT_ROOM, message=posted.id))
    await indexed(url)
    assert await rows(url, "SELECT count(*) FROM search") == [(0,)]


async def test_results_come_in_pages(chat: Chat, url: str) -> None:
    for number in range(5):
        await post(chat, f"word {number}")
    await indexed(url)
    seen: list[str] = []
    page = search.Hits([], next=None)
    after: str | None = None
    while not seen or after:
        page = await search.find(chat, BOB, search.SearchRequest(query="word", limit=2, after=after))
        seen += [json.loads(bytes(hit.entry))["content"]["body"] for hit in page.hits]
        after = page.next
    assert seen == [f"word {number}" for number in (4, 3, 2, 1, 0)]


@pytest.mark.parametrize(
    "after", ["", "x", "1", "1.2", "1.2.", "-1.2.lobby", "1.x.lobby", f"{'9' * 30}.{'9' * 30}.lobby"]
)
async def test_a_page_that_was_never_answered_is_refused(chat: Chat, after: str) -> None:
    with pytest.raises(InvalidInput, match="`next` of an earlier answer"):
        await search.find(chat, BOB, search.SearchRequest(query="word", after=after))
