import pytest

from chat_gateway.core.changes import Report
from chat_gateway.core.decisions import decide, question
from chat_gateway.core.effects import Put, Write
from chat_gateway.core.facts import Facts
from tests.unit.chat_gateway.core.messages_of_bob import MESSAGE, a_message, known, outcome, unseen
from tests.unit.chat_gateway.core.standing import ANN, ID, ROOM, a_room, asked, effects, facts, rows, who

REPORT = asked(Report, message=MESSAGE, reason="rude")


def test_a_report_is_stored_and_told_to_nobody() -> None:
    decision = decide(REPORT, known())
    assert effects(decision, Write) == []
    assert rows(decision, "report") == [
        Put(
            table="report",
            key={"id": ID},
            values={"room_id": ROOM, "offset": 5, "reporter": ANN, "reason": "rude"},
            filled={"at": "now"},
        )
    ]
    assert question(REPORT).message == MESSAGE


@pytest.mark.parametrize(
    ("stands", "expected"),
    [
        (known(room=a_room(archived=True)), "Effects"),
        (known(blocked=True), "Effects"),
        (known(message=a_message(reported=True)), "Stays"),
        (known(message=a_message(deleted=True)), "NO_SUCH_MESSAGE"),
        (facts(who(ANN, "owner")), "NO_SUCH_MESSAGE"),
        *((strange, "NO_SUCH_ROOM") for strange in unseen()),
    ],
)
def test_who_may_report(stands: Facts, expected: str) -> None:
    assert outcome(decide(REPORT, stands)) == expected
