from typing import Any

import pytest

from chat_gateway.core.changes import MAX_EDITS, Delete, Edit
from chat_gateway.core.decisions import decide, question
from chat_gateway.core.effects import Drop, Put, Scrub
from chat_gateway.core.entries import Kind
from chat_gateway.core.facts import Facts, MessageFact
from chat_gateway.core.ids import UserId
from tests.unit.chat_gateway.core.messages_of_bob import MESSAGE, a_message, known, outcome, unseen
from tests.unit.chat_gateway.core.standing import (
    ANN,
    ROOM,
    ROOM_LOG,
    a_room,
    asked,
    effects,
    entry,
    facts,
    old,
    rows,
    who,
)

EDIT = asked(Edit, message=MESSAGE, body="new")
DELETE = asked(Delete, message=MESSAGE)
TOLD, DELETED = '{"message":"m1","body":"new"}', '{"message":"m1"}'
OWN = a_message(author=ANN)
ARCHIVED, READ_ONLY = a_room(archived=True), a_room(read_only=True)


def own(message: MessageFact = OWN, **fields: Any) -> Facts:
    return known(message=message, **fields)


def test_an_edit_is_told_with_the_new_text_and_keeps_the_old_one() -> None:
    decision = decide(EDIT, own())
    told = entry(decision)
    assert (told.log, told.kind, told.content) == (ROOM_LOG, Kind.MESSAGE_EDITED, TOLD)
    assert rows(decision, "revision") == [
        Put(
            table="revision",
            key={"room_id": ROOM, "message": 5, "n": 1},
            values={"author": ANN, "body": "old"},
            filled={"entry": "offset", "at": "now"},
        )
    ]
    assert rows(decision, "message") == [
        Put(
            table="message",
            key={"room_id": ROOM, "offset": 5},
            values={"body": "new"},
            filled={"edited_at": "now"},
            added={"edits": 1},
        )
    ]
    assert question(EDIT).message == MESSAGE


def test_the_next_edit_keeps_the_text_of_the_one_before() -> None:
    (kept,) = rows(decide(EDIT, own(a_message(author=ANN, body="between", edits=1))), "revision")
    assert isinstance(kept, Put)
    assert (kept.key["n"], kept.values["body"]) == (2, "between")


def test_an_edit_mentions_whom_the_new_text_mentions_and_nobody_else() -> None:
    first, *made = rows(
        decide(asked(Edit, message=MESSAGE, body="<@cid>", mentions=(UserId("cid"),)), own()), "mention"
    )
    assert first == Drop(table="mention", key={"room_id": ROOM, "offset": 5})
    assert made == [Put(table="mention", key={"user_id": "cid", "room_id": ROOM, "offset": 5}, values={"author": ANN})]


@pytest.mark.parametrize(
    ("edited", "expected"),
    [
        (own(), "Effects"),
        (own(repeats=(old(ROOM_LOG, Kind.MESSAGE_EDITED, TOLD),)), "Repeats"),
        (own(repeats=(old(ROOM_LOG, Kind.MESSAGE_EDITED, '{"deleted":true,"message":"m1"}'),)), "Repeats"),
        (own(repeats=(old(ROOM_LOG, Kind.MESSAGE_EDITED, '{"message":"m1","body":"x"}'),)), "CONFLICT"),
        (own(repeats=(old(ROOM_LOG, Kind.MESSAGE_POSTED, TOLD),)), "CONFLICT"),
        (facts(who(ANN, "owner")), "NO_SUCH_MESSAGE"),
        (own(a_message(author=ANN, deleted=True)), "NO_SUCH_MESSAGE"),
        (known(), "NOT_YOUR_MESSAGE"),
        (known(who(ANN, "owner")), "NOT_YOUR_MESSAGE"),
        (own(blocked=True), "NOT_REACHABLE"),
        (own(room=ARCHIVED), "ARCHIVED"),
        (own(room=READ_ONLY), "READ_ONLY"),
        (known(who(ANN, "admin"), OWN, room=READ_ONLY), "Effects"),
        (own(a_message(author=ANN, edits=MAX_EDITS)), "TOO_MANY_EDITS"),
        (own(a_message(author=ANN, edits=MAX_EDITS - 1)), "Effects"),
        (own(a_message(author=ANN, body="new", edits=MAX_EDITS)), "Stays"),
        (own(a_message(author=ANN, content='{"body":"new"}')), "Stays"),
        (own(a_message(author=ANN, content='{"body":"new"}', body="old")), "Effects"),
        *((strange, "NO_SUCH_ROOM") for strange in unseen()),
    ],
)
def test_who_may_edit(edited: Facts, expected: str) -> None:
    assert outcome(decide(EDIT, edited)) == expected


def test_a_deleted_message_leaves_no_text_but_what_it_answered() -> None:
    message = a_message(
        author=ANN, content='{"body":"old","reply_to":"m0"}', body="new", edits=2, edit_entries=(6, 8), pinned=True
    )
    decision = decide(DELETE, own(message))
    assert (entry(decision).kind, entry(decision).content) == (Kind.MESSAGE_DELETED, DELETED)
    edit = '{"deleted":true,"message":"m1"}'
    assert effects(decision, Scrub) == [
        Scrub(log=ROOM_LOG, contents={5: '{"deleted":true,"reply_to":"m0"}', 6: edit, 8: edit})
    ]
    assert rows(decision, "message") == [
        Put(
            table="message",
            key={"room_id": ROOM, "offset": 5},
            values={"deleted": True, "body": None, "edited_at": None, "pinned_at": None},
        )
    ]
    by_offset, by_message = {"room_id": ROOM, "offset": 5}, {"room_id": ROOM, "message": 5}
    assert {drop.table: drop.key for drop in effects(decision, Drop)} == {
        "revision": by_message,
        "reaction": by_message,
        "mention": by_offset,
        "search": by_offset,
    }
    assert question(DELETE).message == MESSAGE


@pytest.mark.parametrize(
    ("deleted", "expected"),
    [
        (own(), "Effects"),
        (own(room=ARCHIVED), "Effects"),
        (own(room=READ_ONLY), "Effects"),
        (own(blocked=True), "Effects"),
        (known(), "NOT_ALLOWED"),
        (known(who(ANN, "owner")), "Effects"),
        (known(who(ANN, "owner"), a_message(author_role="owner")), "Effects"),
        (known(who(ANN, "admin")), "Effects"),
        (known(who(ANN, "admin"), a_message(author_role=None)), "Effects"),
        (known(who(ANN, "admin"), a_message(author_role="admin")), "NOT_ALLOWED"),
        (known(who(ANN, "admin"), a_message(author_role="owner")), "NOT_ALLOWED"),
        (known(who(ANN, "admin"), a_message(author=ANN, author_role="admin")), "Effects"),
        (own(a_message(author=ANN, deleted=True)), "Stays"),
        (known(message=a_message(deleted=True)), "NOT_ALLOWED"),
        (known(room=a_room(kind="direct")), "NOT_YOUR_MESSAGE"),
        (facts(who(ANN, "owner")), "NO_SUCH_MESSAGE"),
        (own(repeats=(old(ROOM_LOG, Kind.MESSAGE_DELETED, DELETED),)), "Repeats"),
        (own(repeats=(old(ROOM_LOG, Kind.MESSAGE_DELETED, '{"message":"m2"}'),)), "CONFLICT"),
        *((strange, "NO_SUCH_ROOM") for strange in unseen()),
    ],
)
def test_who_may_delete(deleted: Facts, expected: str) -> None:
    assert outcome(decide(DELETE, deleted)) == expected
