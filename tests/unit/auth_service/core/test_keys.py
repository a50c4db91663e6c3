from datetime import UTC, datetime, timedelta

import pytest

from auth_service.core.keys import AHEAD, KEPT, ROTATION, KeyRow, next_generation, plan, signing, state

AT = datetime(2026, 1, 1, tzinfo=UTC)
MOMENT = timedelta(milliseconds=1)


def key(generation: int, signs_from: datetime = AT) -> KeyRow:
    return KeyRow(f"k{generation}", generation, b"", None, signs_from)


def test_numbers_are_those_of_the_design() -> None:
    assert ROTATION.days == 30
    assert AHEAD.total_seconds() == 24 * 3600
    assert KEPT.total_seconds() == 600 + 25 + 3600


def test_key_signs_from_its_moment_on() -> None:
    old, new = key(1), key(2, AT + AHEAD)
    assert signing((old, new), AT + AHEAD - MOMENT) == old
    assert signing((old, new), AT + AHEAD) == new


def test_of_two_that_begin_at_once_the_later_made_signs() -> None:
    assert signing((key(2), key(1)), AT) == key(2)


def test_only_key_signs_even_if_the_clock_was_set_back() -> None:
    assert signing((key(1),), AT - timedelta(days=1)) == key(1)
    assert signing((key(1), key(2, AT + AHEAD)), AT - timedelta(days=1)) == key(1)


def test_first_key_signs_at_once() -> None:
    assert plan((), AT).next_signs_from == AT
    assert next_generation(()) == 1


def test_next_key_is_made_a_day_before_thirty_days_are_over() -> None:
    due = AT + ROTATION - AHEAD
    assert plan((key(1),), due - MOMENT).is_empty
    assert plan((key(1),), due).next_signs_from == AT + ROTATION


@pytest.mark.parametrize("late", [MOMENT, timedelta(hours=25), timedelta(days=400)], ids=str)
def test_overdue_key_is_published_a_whole_day_ahead_all_the_same(late: timedelta) -> None:
    now = AT + ROTATION - AHEAD + late
    assert plan((key(1),), now).next_signs_from == now + AHEAD


def test_no_further_key_is_made_while_the_next_one_waits() -> None:
    assert plan((key(1), key(2, AT + ROTATION)), AT + ROTATION - MOMENT).is_empty


def test_key_goes_when_the_last_token_it_signed_is_dead_and_an_hour_more() -> None:
    keys = (key(1), key(2, AT + ROTATION))
    assert plan(keys, AT + ROTATION + KEPT - MOMENT).retired == ()
    done = plan(keys, AT + ROTATION + KEPT)
    assert done.retired == (key(1),)
    assert not done.is_empty


def test_signing_key_never_goes_however_old() -> None:
    keys = (key(1), key(2, AT + timedelta(days=1)))
    assert plan(keys, AT + timedelta(days=400)).retired == (key(1),)
    assert plan((key(1),), AT + timedelta(days=400)).retired == ()


def test_time_a_key_is_kept_counts_from_the_first_later_one() -> None:
    keys = (key(1), key(2, AT + timedelta(hours=1)), key(3, AT + timedelta(hours=4)))
    assert plan(keys, AT + timedelta(hours=3)).retired == (key(1),)


def test_state_says_what_a_key_is_for() -> None:
    keys = (key(1), key(2, AT + timedelta(hours=1)), key(3, AT + timedelta(hours=4)))
    now = AT + timedelta(hours=2)
    assert [state(each, keys, now) for each in keys] == ["verifying", "signing", "next"]


def test_generations_are_counted_on() -> None:
    assert next_generation((key(7), key(3))) == 8
