import pytest

from chat_gateway.core import targets
from chat_gateway.core.changes import Pin, Refusal
from chat_gateway.core.effects import Repeats
from chat_gateway.core.entries import Kind
from chat_gateway.core.facts import Facts
from tests.unit.chat_gateway.core.messages_of_bob import MESSAGE, a_message, known, unseen
from tests.unit.chat_gateway.core.standing import ANN, ANNS_LOG, ID, ROOM, ROOM_LOG, asked, facts, old, who

CHANGE = asked(Pin, message=MESSAGE)


def test_the_question_names_the_message_and_its_author() -> None:
    question = targets.ask(CHANGE, emoji="x", offset=4)
    assert (question.message, question.users, question.logs) == (MESSAGE, (ANN,), (ROOM_LOG,))
    assert (question.emoji, question.offset) == ("x", 4)
    assert targets.ask(CHANGE, log=ANNS_LOG).logs == (ANNS_LOG,)


@pytest.mark.parametrize("strange", unseen())
def test_a_stranger_learns_nothing_not_even_by_a_repeat(strange: Facts) -> None:
    assert targets.judge(strange, ROOM_LOG, Kind.MESSAGE_PINNED, "{}") == Refusal.NO_SUCH_ROOM


def test_a_repeat_is_told_from_something_else() -> None:
    again = known(repeats=(old(ROOM_LOG, Kind.MESSAGE_PINNED, "{}"),))
    assert targets.judge(again, ROOM_LOG, Kind.MESSAGE_PINNED, "{}") == Repeats()
    assert targets.judge(again, ROOM_LOG, Kind.MESSAGE_UNPINNED, "{}") == Refusal.CONFLICT
    assert targets.judge(known(), ROOM_LOG, Kind.MESSAGE_PINNED, "{}") is None


def test_a_missing_message_and_a_deleted_one_are_one_answer() -> None:
    assert targets.find(facts(who(ANN, "owner"))) == Refusal.NO_SUCH_MESSAGE
    assert targets.find(known(message=a_message(deleted=True))) == Refusal.NO_SUCH_MESSAGE
    assert targets.find(known()) == a_message()


def test_rows_are_named_by_room_and_offset() -> None:
    assert targets.key(CHANGE, a_message()) == {"room_id": ROOM, "offset": 5}
    assert targets.part_key(CHANGE, a_message()) == {"room_id": ROOM, "message": 5}
    assert targets.entry(CHANGE, Kind.MESSAGE_PINNED, targets.told(a=1)).content == '{"a":1}'
    assert targets.entry(CHANGE, Kind.MESSAGE_PINNED, "{}").id == ID
