"""How often a user may post and type, by whatever face, and what stays free."""

import tracemalloc

import pytest

from chat_gateway.actions.live import TypingIn
from chat_gateway.actions.messages import PostMessage
from chat_gateway.api.pace import WRITES, Pace, Rates
from chat_gateway.api.verbs import VERBS
from chat_gateway.core.ids import RoomId, UserId
from chat_gateway.realtime.refusals import Reason
from shared.errors import RateLimited
from tests.builders import Clock
from tests.counters import counting

ANN, BOB = UserId("ann"), UserId("bob")
POST = PostMessage(room=RoomId("r"), body="hello")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def pace(clock: Clock) -> Pace:
    return Pace(Rates(), clock.monotonic)


def post(pace: Pace, times: int, user: UserId = ANN) -> None:
    for _ in range(times):
        pace.check(user, "message.post", POST)


def typing_in(room: str) -> TypingIn:
    return TypingIn(room=RoomId(room))


def test_twenty_messages_go_at_once_and_the_next_waits_a_second(pace: Pace, clock: Clock) -> None:
    post(pace, 20)
    with pytest.raises(RateLimited) as refusal, counting(Reason.MESSAGES, 1):
        post(pace, 1)
    assert refusal.value.retry_after == 1
    clock.pass_seconds(1)
    post(pace, 1)


def test_ten_messages_in_ten_seconds_go_on_for_ever(pace: Pace, clock: Clock) -> None:
    post(pace, 20)
    for _ in range(30):
        clock.pass_seconds(10)
        post(pace, 10)
    with pytest.raises(RateLimited):
        post(pace, 1)


def test_nobody_waits_for_another(pace: Pace) -> None:
    post(pace, 20)
    post(pace, 20, BOB)


def test_typing_is_told_once_in_three_seconds_and_room(pace: Pace, clock: Clock) -> None:
    pace.check(ANN, "typing", typing_in("r"))
    pace.check(ANN, "typing", typing_in("s"))
    pace.check(BOB, "typing", typing_in("r"))
    clock.pass_seconds(2.9)
    with pytest.raises(RateLimited) as refusal, counting(Reason.TYPING, 1):
        pace.check(ANN, "typing", typing_in("r"))
    assert refusal.value.retry_after == 1
    clock.pass_seconds(0.1)
    pace.check(ANN, "typing", typing_in("r"))


def test_calls_of_the_rest_face_have_the_pace_of_a_connection(pace: Pace, clock: Clock) -> None:
    for _ in range(100):
        pace.check_request(ANN)
    with pytest.raises(RateLimited), counting(Reason.REQUESTS, 1):
        pace.check_request(ANN)
    clock.pass_seconds(0.1)
    pace.check_request(ANN)


@pytest.mark.parametrize("verb", sorted(WRITES))
def test_all_writes_of_a_user_are_counted_together(pace: Pace, verb: str) -> None:
    post(pace, 19)
    pace.check(ANN, verb, object())
    with pytest.raises(RateLimited), counting(Reason.MESSAGES, 1):
        pace.check(ANN, verb, object())
    pace.check(BOB, verb, object())


def test_thirty_new_direct_rooms_go_at_once_and_the_next_waits_two_minutes(pace: Pace, clock: Clock) -> None:
    for _ in range(30):
        pace.check_new_direct(ANN)
    with pytest.raises(RateLimited) as refusal, counting(Reason.DIRECTS, 1):
        pace.check_new_direct(ANN)
    assert refusal.value.retry_after == 120
    pace.check_new_direct(BOB)
    post(pace, 20)
    clock.pass_seconds(120)
    pace.check_new_direct(ANN)
    with pytest.raises(RateLimited):
        pace.check_new_direct(ANN)


def test_what_is_remembered_of_typing_is_small_and_not_for_long(pace: Pace, clock: Clock) -> None:
    rooms = [typing_in(f"{number:0255}") for number in range(5_000)]
    tracemalloc.start()
    for room in rooms:
        pace.check(ANN, "typing", room)
    remembered = tracemalloc.get_traced_memory()[0]
    assert 50 < remembered / len(rooms) < 150, "the names are not among it"
    clock.pass_seconds(6)
    pace.check(ANN, "room.list", object())
    forgotten = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert forgotten < remembered / 100


def test_every_other_verb_is_free(pace: Pace) -> None:
    for verb in VERBS.keys() - WRITES - {"typing"}:
        for _ in range(200):
            pace.check(ANN, verb, object())


def test_the_verbs_with_a_pace_are_verbs_there_are() -> None:
    assert VERBS.keys() > WRITES | {"typing"}


def test_whoever_adds_a_verb_says_whether_it_writes() -> None:
    one_s_own = {"people.block", "people.unblock", "thread.follow", "thread.mute", "marker.set"}
    reads = {verb for verb in VERBS if verb.endswith((".get", ".list", ".page", ".search", ".members", ".revisions"))}
    assert VERBS.keys() == WRITES | one_s_own | reads | {"typing", "search.messages"}
