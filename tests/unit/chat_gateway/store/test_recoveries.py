from hypothesis import given
from hypothesis import strategies as st

from chat_gateway.realtime.publication import Position
from chat_gateway.store.recoveries import _behind, fitting


@given(st.dictionaries(st.text(max_size=3), st.integers(0, 20)), st.integers(0, 60))
def test_what_is_chosen_fits_and_nothing_that_still_fits_is_left_out(sizes: dict[str, int], most: int) -> None:
    chosen = fitting(sizes, most)
    left = most - sum(sizes[channel] for channel in chosen)
    assert left >= 0
    assert all(sizes[channel] > left for channel in sizes if sizes[channel] and channel not in chosen)


def test_recovery_is_possible_from_a_position_of_this_epoch_up_to_the_head() -> None:
    heads = {name: Position(5, "now") for name in "abcde"} | {"f": Position(0, "now")}
    since = {
        "a": Position(5, "now"),
        "b": Position(6, "now"),
        "c": Position(2, "then"),
        "d": Position(2, ""),
        "e": None,
        "z": Position(0, "now"),
    }
    assert _behind(heads, since) == {"a": 5, "d": 2}
