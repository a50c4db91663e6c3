import pytest

from chat_gateway.core.changes import MAX_EMOJIS, React, Unreact
from chat_gateway.core.decisions import decide, question
from chat_gateway.core.effects import Drop, Put, Value
from chat_gateway.core.entries import Kind
from chat_gateway.core.facts import Facts
from tests.unit.chat_gateway.core.messages_of_bob import MESSAGE, a_message, known, outcome, unseen
from tests.unit.chat_gateway.core.standing import ANN, ROOM, ROOM_LOG, a_room, asked, entry, facts, old, rows, who

REACT, UNREACT = asked(React, message=MESSAGE, emoji="x"), asked(Unreact, message=MESSAGE, emoji="x")
TOLD = '{"message":"m1","emoji":"x"}'
KEY: dict[str, Value] = {"room_id": ROOM, "message": 5, "emoji": "x", "user_id": ANN}
REACTED = a_message(reacted=True, used=True, emojis=1)


def test_a_reaction_is_told_and_stored() -> None:
    decision = decide(REACT, known())
    assert (entry(decision).kind, entry(decision).content) == (Kind.REACTION_ADDED, TOLD)
    assert rows(decision, "reaction") == [Put(table="reaction", key=KEY, filled={"at": "now"})]
    assert question(REACT).emoji == question(UNREACT).emoji == "x"


def test_a_reaction_taken_back_is_told_and_gone() -> None:
    decision = decide(UNREACT, known(message=REACTED))
    assert (entry(decision).kind, entry(decision).content) == (Kind.REACTION_REMOVED, TOLD)
    assert rows(decision, "reaction") == [Drop(table="reaction", key=KEY)]


@pytest.mark.parametrize(
    ("stands", "expected"),
    [
        (known(), "Effects"),
        (known(room=a_room(read_only=True)), "Effects"),
        (known(message=REACTED), "Stays"),
        (known(message=a_message(emojis=MAX_EMOJIS)), "TOO_MANY_REACTIONS"),
        (known(message=a_message(emojis=MAX_EMOJIS, used=True)), "Effects"),
        (known(message=a_message(emojis=MAX_EMOJIS - 1)), "Effects"),
        (known(repeats=(old(ROOM_LOG, Kind.REACTION_ADDED, TOLD),)), "Repeats"),
    ],
)
def test_who_may_react(stands: Facts, expected: str) -> None:
    assert outcome(decide(REACT, stands)) == expected


@pytest.mark.parametrize(
    ("stands", "expected"),
    [
        (known(message=REACTED), "Effects"),
        (known(), "Stays"),
        (known(message=a_message(used=True, emojis=1)), "Stays"),
        (known(repeats=(old(ROOM_LOG, Kind.REACTION_REMOVED, TOLD),)), "Repeats"),
    ],
)
def test_who_may_take_a_reaction_back(stands: Facts, expected: str) -> None:
    assert outcome(decide(UNREACT, stands)) == expected


@pytest.mark.parametrize(
    ("stands", "expected"),
    [
        (known(message=REACTED, room=a_room(archived=True)), "ARCHIVED"),
        (known(message=REACTED, blocked=True), "NOT_REACHABLE"),
        (known(message=a_message(deleted=True)), "NO_SUCH_MESSAGE"),
        (facts(who(ANN, "owner")), "NO_SUCH_MESSAGE"),
        *((strange, "NO_SUCH_ROOM") for strange in unseen()),
    ],
)
def test_both_need_a_message_in_an_open_room(stands: Facts, expected: str) -> None:
    assert [outcome(decide(change, stands)) for change in (REACT, UNREACT)] == [expected] * 2
