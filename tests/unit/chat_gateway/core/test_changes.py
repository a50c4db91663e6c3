import pytest

from chat_gateway.core.changes import Applied, Refusal
from tests.builders import entry, post


def test_a_change_cannot_be_altered_once_it_is_asked_for() -> None:
    with pytest.raises(AttributeError):
        post().content = "{}"  # type: ignore[misc]


def test_a_change_that_changed_nothing_has_no_entry() -> None:
    assert Applied(entry=None) == Applied(entry=None, others=(), offset=0, repeated=False)
    assert Applied(entry=entry(), offset=7) != Applied(entry=None, offset=7)


def test_refusals_keep_the_numbers_that_the_stored_functions_answer() -> None:
    assert {refusal.name: refusal.value for refusal in Refusal} == {
        "NO_SUCH_ROOM": 1,
        "NOT_ALLOWED": 2,
        "NO_SUCH_MEMBER": 3,
        "CONFLICT": 4,
        "TOO_MANY_ROOMS": 5,
        "NO_SUCH_MESSAGE": 6,
        "NOT_A_THREAD_ROOT": 7,
        "READ_ONLY": 8,
        "ARCHIVED": 9,
        "TOO_MANY_EDITS": 10,
        "TOO_MANY_REACTIONS": 11,
        "TOO_MANY_PINS": 12,
        "BANNED": 13,
        "LAST_OWNER": 14,
        "NO_SUCH_PERSON": 15,
        "DIRECT_ROOM": 16,
        "NOT_YOUR_MESSAGE": 17,
        "NOT_REACHABLE": 18,
        "ONESELF": 19,
    }
