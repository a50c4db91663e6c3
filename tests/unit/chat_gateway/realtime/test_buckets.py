"""Up to the burst at once, then at the rate, and nobody is remembered longer than it matters."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat_gateway.realtime.buckets import Buckets, Rate
from shared.errors import RateLimited

TEN_A_SECOND = Rate(600, burst=100)
NOW = 1_000.0


def take(rate: Rate, full_at: float, now: float, times: int) -> float:
    for _ in range(times):
        full_at = rate.take(full_at, now)
    return full_at


def wait_of(rate: Rate, full_at: float, now: float) -> float | None:
    with pytest.raises(RateLimited) as refusal:
        rate.take(full_at, now)
    return refusal.value.retry_after


def test_a_burst_is_taken_at_once_and_not_one_more() -> None:
    full_at = take(TEN_A_SECOND, 0.0, NOW, 100)
    assert wait_of(TEN_A_SECOND, full_at, NOW) == 1


def test_after_a_burst_it_goes_on_at_the_rate() -> None:
    full_at = take(TEN_A_SECOND, 0.0, NOW, 100)
    full_at = take(TEN_A_SECOND, full_at, NOW + 0.1, 1)
    assert wait_of(TEN_A_SECOND, full_at, NOW + 0.1) == 1


def test_a_refusal_takes_nothing() -> None:
    rate = Rate(20, burst=1)
    full_at = rate.take(0.0, NOW)
    for second in range(3):
        assert wait_of(rate, full_at, NOW + second) == 3 - second
    rate.take(full_at, NOW + 3)


def test_the_refusal_says_when_in_words_and_in_whole_seconds() -> None:
    rate = Rate(7, burst=1)
    with pytest.raises(RateLimited, match="Try again in 9 s") as refusal:
        rate.take(rate.take(0.0, NOW), NOW)
    assert (refusal.value.code, refusal.value.retry_after, refusal.value.temporary) == ("rate_limited", 9, True)


def test_idleness_saves_up_no_more_than_the_burst() -> None:
    full_at = take(TEN_A_SECOND, 0.0, NOW, 100)
    full_at = take(TEN_A_SECOND, full_at, NOW + 3_600, 100)
    assert wait_of(TEN_A_SECOND, full_at, NOW + 3_600) == 1


@given(
    st.builds(Rate, st.floats(0.1, 6_000), st.integers(1, 200)),
    st.lists(st.floats(0, 30), min_size=1, max_size=300),
)
def test_no_window_ever_holds_more_than_burst_and_rate_allow(rate: Rate, gaps: list[float]) -> None:
    """And whoever waits as long as was said is let in."""
    now, full_at, taken = NOW, 0.0, 0
    for gap in gaps:
        now += gap
        try:
            full_at = rate.take(full_at, now)
        except RateLimited as refusal:
            rate.take(full_at, now + (refusal.retry_after or 0))
        else:
            taken += 1
    assert taken <= rate.burst + (now - NOW) * rate.per_minute / 60 + 1e-3


def test_each_key_has_a_bucket_of_its_own() -> None:
    buckets = Buckets(Rate(60, burst=1))
    buckets.take("ann", NOW)
    buckets.take("bob", NOW)
    with pytest.raises(RateLimited):
        buckets.take("ann", NOW)


def test_a_bucket_is_remembered_until_it_is_full_again_and_then_dropped() -> None:
    rate = Rate(60, burst=2)
    buckets = Buckets(rate)
    buckets.take("ann", NOW)
    buckets.take("ann", NOW)
    with pytest.raises(RateLimited):
        buckets.take("ann", NOW + 0.9)
    buckets.take("bob", NOW + rate.refill_seconds)
    assert len(buckets) == 2
    buckets.take("bob", NOW + 2 * rate.refill_seconds)
    assert len(buckets) == 1


def test_a_bucket_in_use_survives_every_turn_of_the_table() -> None:
    rate = Rate(60, burst=2)
    buckets = Buckets(rate)
    now, taken = NOW, 0
    while now <= NOW + 100:
        try:
            buckets.take("ann", now)
            taken += 1
        except RateLimited:
            pass
        now += 0.25
    assert taken == 102


def test_a_flood_of_keys_is_bounded() -> None:
    buckets = Buckets(Rate(1, burst=1), most=10)
    for number in range(1_000):
        buckets.take(number, NOW)
        assert len(buckets) <= 20
    with pytest.raises(RateLimited):
        buckets.take(999, NOW)


def test_a_flood_is_forgotten_where_nobody_takes_any_more() -> None:
    rate = Rate(60, burst=2)
    buckets = Buckets(rate)
    for number in range(100):
        buckets.take(number, NOW)
    buckets.forget(NOW + rate.refill_seconds)
    assert len(buckets) == 100, "nobody looks which are full already"
    buckets.forget(NOW + 2 * rate.refill_seconds)
    assert len(buckets) == 0


def test_after_two_refills_of_silence_all_is_forgotten_at_once() -> None:
    rate = Rate(60, burst=2)
    buckets = Buckets(rate)
    for number in range(100):
        buckets.take(number, NOW)
    buckets.forget(NOW + 2 * rate.refill_seconds)
    assert len(buckets) == 0


def test_what_is_not_full_yet_is_never_forgotten() -> None:
    """Taken just before the table turns, it still counts just before it is full again."""
    rate = Rate(60, burst=1)
    buckets = Buckets(rate)
    buckets.take("bob", NOW)
    buckets.take("ann", NOW + 0.9)
    buckets.forget(NOW + 1.8)
    with pytest.raises(RateLimited):
        buckets.take("ann", NOW + 1.8)
