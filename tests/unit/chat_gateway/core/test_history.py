import msgspec

from chat_gateway.core.history import Excerpt, Item, MessageState, Reaction, ThreadState, shown
from chat_gateway.core.ids import EntryId, UserId
from tests.builders import ID, OTHER_ID, entry


def test_an_item_shows_what_became_of_the_message_and_what_it_answers() -> None:
    state = MessageState(
        body="new", edited_at=1, pinned_at=2, reactions=[Reaction("x", [UserId("ann")], 3)], thread=ThreadState(2, 9)
    )
    reply = Excerpt(id=EntryId(OTHER_ID), offset=3, author=UserId("bob"), body="why?")
    item = msgspec.json.decode(shown(Item(entry=entry(), state=state, reply=reply)))
    assert (item["id"], item["offset"]) == (ID, 7)
    assert item["state"] == {
        "body": "new",
        "edited_at": 1,
        "pinned_at": 2,
        "reactions": [{"emoji": "x", "users": ["ann"], "count": 3}],
        "thread": {"posts": 2, "at": 9},
    }
    assert item["reply"] == {"id": OTHER_ID, "offset": 3, "author": "bob", "body": "why?"}


def test_an_item_shows_nothing_where_nothing_happened() -> None:
    assert msgspec.json.decode(shown(Item(entry=entry()))).keys().isdisjoint({"state", "reply"})


def test_a_deleted_message_says_only_that() -> None:
    item = Item(entry=entry(), state=MessageState(deleted=True))
    assert item.deleted
    assert msgspec.json.decode(shown(item))["state"] == {"deleted": True}
    assert not Item(entry=entry(), state=MessageState(body="x")).deleted
    assert not Item(entry=entry()).deleted


def test_the_excerpt_of_a_deleted_message_has_no_text() -> None:
    gone = Excerpt(id=EntryId(ID), offset=3, author=UserId("bob"), deleted=True)
    assert msgspec.to_builtins(gone) == {"id": ID, "offset": 3, "author": "bob", "deleted": True}
