from chat_gateway.core.changes import Refusal
from chat_gateway.core.effects import Repeats
from chat_gateway.core.entries import Kind
from chat_gateway.core.repeats import judge
from tests.unit.chat_gateway.core.standing import ANN, BOB, BOBS_LOG, ROOM_LOG, facts, old, who

KNOWN = facts(who(ANN, "owner"), repeats=(old(ROOM_LOG, Kind.MEMBER_REMOVED, subject=BOB),))


def test_the_same_again_is_a_repeat() -> None:
    assert judge(KNOWN, ROOM_LOG, Kind.MEMBER_REMOVED, subject=BOB) == Repeats()


def test_anything_else_with_the_same_client_id_is_a_conflict() -> None:
    assert judge(KNOWN, ROOM_LOG, Kind.MEMBER_BANNED, subject=BOB) == Refusal.CONFLICT
    assert judge(KNOWN, ROOM_LOG, Kind.MEMBER_REMOVED, subject=ANN) == Refusal.CONFLICT
    assert judge(KNOWN, ROOM_LOG, Kind.MEMBER_REMOVED, subject=BOB, content='{"x":1}') == Refusal.CONFLICT


def test_an_entry_in_another_log_says_nothing_of_this_one() -> None:
    assert judge(KNOWN, BOBS_LOG, Kind.MEMBER_REMOVED, subject=BOB) is None


def test_a_scrubbed_entry_is_taken_for_the_same() -> None:
    scrubbed = facts(who(ANN), repeats=(old(ROOM_LOG, Kind.MESSAGE_EDITED, '{"deleted":true,"message":"m"}'),))
    assert judge(scrubbed, ROOM_LOG, Kind.MESSAGE_EDITED, content='{"message":"m","body":"?"}') == Repeats()
    assert judge(scrubbed, ROOM_LOG, Kind.MESSAGE_POSTED, content="{}") == Refusal.CONFLICT
