import pytest

from chat_gateway.core.changes import Refusal, SetMarker
from chat_gateway.core.decisions import decide, question
from chat_gateway.core.effects import Effects, Repeats, Set, Stays, Write
from chat_gateway.core.entries import Kind
from chat_gateway.core.facts import Facts, MarkerFact
from tests.unit.chat_gateway.core.standing import ANN, ANNS_LOG, ID, ROOM, asked, facts, nowhere, old, who

SET = asked(SetMarker, offset=7)
MOVES = MarkerFact(marker=3, offset=7, posts=5)
MOVED = '{"room":"r1","offset":7,"posts":5}'


def test_a_marker_moves_and_all_devices_hear_of_it() -> None:
    assert decide(SET, facts(who(ANN, "member"), marker=MOVES)) == Effects(
        (
            Write(log=ANNS_LOG, kind=Kind.MARKER_MOVED, id=ID, content=MOVED),
            Set(table="member", key={"room_id": ROOM, "user_id": ANN}, values={"marker": 7, "marker_posts": 5}),
        ),
        7,
    )


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        (nowhere(who(ANN)), Refusal.NO_SUCH_ROOM),
        (facts(who(ANN)), Refusal.NO_SUCH_ROOM),
        (facts(who(ANN, status="removed"), marker=MOVES), Refusal.NO_SUCH_ROOM),
        (facts(who(ANN, "member"), marker=MarkerFact(marker=7, offset=7, posts=5)), Stays(7)),
        (facts(who(ANN, "member"), marker=MarkerFact(marker=9, offset=7, posts=5)), Stays(9)),
        (facts(who(ANN, "member"), marker=MOVES, repeats=(old(ANNS_LOG, Kind.MARKER_MOVED, MOVED),)), Repeats(3)),
        (
            facts(who(ANN, "member"), marker=MOVES, repeats=(old(ANNS_LOG, Kind.ROOM_JOINED, '{"room":"r1"}'),)),
            Refusal.CONFLICT,
        ),
        (
            facts(
                who(ANN, "member"),
                marker=MOVES,
                repeats=(old(ANNS_LOG, Kind.MARKER_MOVED, '{"room":"r1","offset":8,"posts":5}'),),
            ),
            Refusal.CONFLICT,
        ),
        (
            facts(
                who(ANN, "member"),
                marker=MOVES,
                repeats=(old(ANNS_LOG, Kind.MARKER_MOVED, '{"room":"r2","offset":7,"posts":5}'),),
            ),
            Refusal.CONFLICT,
        ),
    ],
)
def test_a_marker_that_does_not_move(known: Facts, expected: object) -> None:
    assert decide(SET, known) == expected


@pytest.mark.parametrize(("offset", "sent"), [(-1, 0), (7, 7), (1 << 70, (1 << 63) - 1)])
def test_any_offset_may_be_asked_for(offset: int, sent: int) -> None:
    about = question(asked(SetMarker, offset=offset))
    assert (about.offset, about.logs, about.users) == (sent, (ANNS_LOG,), (ANN,))
