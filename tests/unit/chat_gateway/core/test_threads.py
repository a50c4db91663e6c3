import pytest

from chat_gateway.core.changes import Follow, Mute, SetThreadMarker
from chat_gateway.core.decisions import decide, question
from chat_gateway.core.effects import Decision, Effects, Put, Repeats, Stays
from chat_gateway.core.entries import Kind
from chat_gateway.core.facts import Facts, MarkerFact, ThreadFact
from chat_gateway.core.ids import EntryId
from tests.unit.chat_gateway.core.messages_of_bob import MESSAGE, a_message, known, outcome, unseen
from tests.unit.chat_gateway.core.standing import ANN, ANNS_LOG, ROOM, a_room, asked, entry, facts, old, rows, who

FOLLOW, UNFOLLOW = (asked(Follow, message=MESSAGE, follows=wanted) for wanted in (True, False))
MUTE, UNMUTE = (asked(Mute, message=MESSAGE, muted=wanted) for wanted in (True, False))
MOVE = asked(SetThreadMarker, message=MESSAGE, offset=9)
END = MarkerFact(marker=0, offset=8, posts=3)
MINE = ThreadFact(follows=True, muted=False, marker=6, marker_posts=1)
CHANGES = (FOLLOW, UNFOLLOW, MUTE, UNMUTE, MOVE)
MOVED = '{"room":"r1","thread":"m1","offset":8,"posts":3}'


def written(decision: Decision) -> object:
    (row,) = rows(decision, "thread_member")
    assert isinstance(row, Put)
    assert row.key == {"user_id": ANN, "room_id": ROOM, "root": 5}
    return row.values


def test_who_follows_a_thread_has_nothing_to_catch_up_with_and_tells_their_devices() -> None:
    decision = decide(FOLLOW, known(marker=END))
    told = entry(decision)
    assert (told.log, told.kind) == (ANNS_LOG, Kind.THREAD_FOLLOWED)
    assert told.content == '{"room":"r1","thread":"m1","follows":true,"muted":false}'
    assert written(decision) == {"follows": True, "muted": False, "marker": 8, "marker_posts": 3}
    assert (question(FOLLOW).logs, question(FOLLOW).offset) == ((ANNS_LOG,), (1 << 63) - 1)


def test_a_thread_without_replies_is_followed_from_its_beginning() -> None:
    assert written(decide(FOLLOW, known())) == {"follows": True, "muted": False, "marker": 0, "marker_posts": 0}


def test_who_no_longer_follows_keeps_the_marker() -> None:
    values = written(decide(UNFOLLOW, known(thread=MINE, marker=END)))
    assert values == {"follows": False, "muted": False, "marker": 6, "marker_posts": 1}


def test_muting_leaves_the_rest_as_it_is() -> None:
    decision = decide(MUTE, known(thread=MINE, marker=END))
    assert entry(decision).content == '{"room":"r1","thread":"m1","follows":true,"muted":true}'
    assert written(decision) == {"follows": True, "muted": True, "marker": 6, "marker_posts": 1}


@pytest.mark.parametrize(
    ("change", "stands", "expected"),
    [
        (FOLLOW, known(thread=MINE), "Stays"),
        (UNFOLLOW, known(), "Stays"),
        (MUTE, known(), "Effects"),
        (UNMUTE, known(thread=MINE), "Stays"),
        (FOLLOW, known(room=a_room(archived=True)), "Effects"),
        (FOLLOW, known(message=a_message(deleted=True)), "Effects"),
    ],
)
def test_what_is_so_already_stays(change: Follow | Mute, stands: Facts, expected: str) -> None:
    assert outcome(decide(change, stands)) == expected


def test_a_repeat_is_told_from_something_else() -> None:
    again = old(ANNS_LOG, Kind.THREAD_FOLLOWED, '{"room":"r1","thread":"m1","follows":true,"muted":false}')
    assert decide(FOLLOW, known(thread=MINE, repeats=(again,))) == Repeats()
    assert outcome(decide(MUTE, known(thread=MINE, repeats=(again,)))) == "CONFLICT"


@pytest.mark.parametrize(
    ("stands", "expected"),
    [
        (facts(who(ANN, "owner")), "NO_SUCH_MESSAGE"),
        (known(message=a_message(thread=EntryId("m0"))), "NOT_A_THREAD_ROOT"),
        *((strange, "NO_SUCH_ROOM") for strange in unseen()),
    ],
)
def test_all_need_the_message_a_thread_began_with(stands: Facts, expected: str) -> None:
    assert [outcome(decide(change, stands)) for change in CHANGES] == [expected] * len(CHANGES)


def test_a_marker_moves_forward_and_is_told() -> None:
    decision = decide(MOVE, known(thread=MINE, marker=MarkerFact(marker=6, offset=8, posts=3)))
    assert (entry(decision).log, entry(decision).kind, entry(decision).content) == (ANNS_LOG, Kind.MARKER_MOVED, MOVED)
    assert written(decision) == {"follows": True, "muted": False, "marker": 8, "marker_posts": 3}
    assert isinstance(decision, Effects)
    assert decision.marker == 8
    assert question(MOVE).offset == 9


@pytest.mark.parametrize(("offset", "question_offset"), [(-1, 0), (1 << 80, (1 << 63) - 1)])
def test_any_number_can_be_asked_for(offset: int, question_offset: int) -> None:
    assert question(asked(SetThreadMarker, message=MESSAGE, offset=offset)).offset == question_offset


def test_a_reader_who_does_not_follow_has_a_marker_too() -> None:
    assert written(decide(MOVE, known(marker=END))) == {
        "follows": False,
        "muted": False,
        "marker": 8,
        "marker_posts": 3,
    }


@pytest.mark.parametrize("offset", [0, 7, 8])
def test_a_marker_never_moves_back(offset: int) -> None:
    stands = MarkerFact(marker=8, offset=offset, posts=3)
    assert decide(MOVE, known(thread=MINE, marker=stands)) == Stays(8)


@pytest.mark.parametrize(
    ("content", "kind", "expected"),
    [
        (MOVED, Kind.MARKER_MOVED, "Repeats"),
        ('{"room":"r1","thread":"m1","offset":9,"posts":3}', Kind.MARKER_MOVED, "Repeats"),
        ('{"room":"r1","thread":"m1","offset":10,"posts":3}', Kind.MARKER_MOVED, "CONFLICT"),
        ('{"room":"r1","offset":8,"posts":3}', Kind.MARKER_MOVED, "CONFLICT"),
        ('{"room":"r2","thread":"m1","offset":8,"posts":3}', Kind.MARKER_MOVED, "CONFLICT"),
        (MOVED, Kind.THREAD_FOLLOWED, "CONFLICT"),
    ],
)
def test_a_repeated_marker_is_one_that_asks_for_no_less(content: str, kind: Kind, expected: str) -> None:
    again = known(thread=MINE, marker=END, repeats=(old(ANNS_LOG, kind, content),))
    assert outcome(decide(MOVE, again)) == expected
