import pytest

from chat_gateway.core.changes import MAX_PINS, Pin, Unpin
from chat_gateway.core.decisions import decide, question
from chat_gateway.core.effects import Put, Set, Value
from chat_gateway.core.entries import Kind
from chat_gateway.core.facts import Facts
from tests.unit.chat_gateway.core.messages_of_bob import MESSAGE, a_message, known, outcome, unseen
from tests.unit.chat_gateway.core.standing import ANN, ROOM, ROOM_LOG, a_room, asked, entry, facts, old, rows, who

PIN, UNPIN = asked(Pin, message=MESSAGE), asked(Unpin, message=MESSAGE)
TOLD = '{"message":"m1"}'
KEY: dict[str, Value] = {"room_id": ROOM, "offset": 5}
OWNER, ADMIN = who(ANN, "owner"), who(ANN, "admin")
PINNED = a_message(pinned=True, pins=1)


def test_a_pin_is_told_and_stored() -> None:
    decision = decide(PIN, known(ADMIN))
    assert (entry(decision).kind, entry(decision).content) == (Kind.MESSAGE_PINNED, TOLD)
    assert rows(decision, "message") == [Put(table="message", key=KEY, filled={"pinned_at": "now"})]
    assert question(PIN).message == question(UNPIN).message == MESSAGE


def test_a_pin_taken_out_is_told_and_gone() -> None:
    decision = decide(UNPIN, known(ADMIN, PINNED))
    assert (entry(decision).kind, entry(decision).content) == (Kind.MESSAGE_UNPINNED, TOLD)
    assert rows(decision, "message") == [Set(table="message", key=KEY, values={"pinned_at": None})]


@pytest.mark.parametrize(
    ("stands", "expected"),
    [
        (known(OWNER), "Effects"),
        (known(OWNER, PINNED), "Stays"),
        (known(OWNER, a_message(pins=MAX_PINS)), "TOO_MANY_PINS"),
        (known(OWNER, a_message(pins=MAX_PINS - 1)), "Effects"),
        (known(OWNER, a_message(pinned=True, pins=MAX_PINS)), "Stays"),
        (known(repeats=(old(ROOM_LOG, Kind.MESSAGE_PINNED, TOLD),)), "Repeats"),
    ],
)
def test_who_may_pin(stands: Facts, expected: str) -> None:
    assert outcome(decide(PIN, stands)) == expected


@pytest.mark.parametrize(("stands", "expected"), [(known(OWNER, PINNED), "Effects"), (known(OWNER), "Stays")])
def test_only_what_is_pinned_is_unpinned(stands: Facts, expected: str) -> None:
    assert outcome(decide(UNPIN, stands)) == expected


@pytest.mark.parametrize(
    ("stands", "expected"),
    [
        (known(message=PINNED), "NOT_ALLOWED"),
        (known(OWNER, PINNED, room=a_room(archived=True)), "ARCHIVED"),
        (known(OWNER, a_message(deleted=True)), "NO_SUCH_MESSAGE"),
        (facts(OWNER), "NO_SUCH_MESSAGE"),
        *((strange, "NO_SUCH_ROOM") for strange in unseen()),
    ],
)
def test_both_need_a_right_and_a_message(stands: Facts, expected: str) -> None:
    assert [outcome(decide(change, stands)) for change in (PIN, UNPIN)] == [expected] * 2


def test_in_a_direct_room_everybody_pins() -> None:
    assert outcome(decide(PIN, known(room=a_room(kind="direct")))) == "Effects"
