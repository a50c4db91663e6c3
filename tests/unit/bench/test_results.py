"""Medians, ratios and tables: what a wrong one would let the bench claim."""

import pytest

from tests.bench.results import Miss, Results, Sample, Section, markdown, medians, number, ratio, table


def sample(server: str, value: float, *, case: str = "2,000 messages/s", scenario: str = "one room") -> Sample:
    return Sample(scenario, case, server, 2000, {"us/delivery": value})


def test_rounds_are_joined_by_their_median_and_not_their_mean() -> None:
    assert medians([sample("ours", 1.0), sample("ours", 100.0), sample("ours", 2.0)]) == [sample("ours", 2.0)]


def test_servers_cases_and_scenarios_are_never_joined() -> None:
    kept = [sample("ours", 1), sample("theirs", 2), sample("ours", 3, case="x"), sample("ours", 4, scenario="y")]
    assert medians(kept) == kept


def test_a_figure_that_one_round_lacks_is_the_median_of_the_others() -> None:
    (joined,) = medians([Sample("s", "c", "ours", 0, {"a": 1, "b": 7}), Sample("s", "c", "ours", 0, {"a": 3})])
    assert joined.figures == {"a": 2, "b": 7}


def test_a_ratio_is_of_the_first_to_the_second() -> None:
    assert ratio([sample("ours", 12), sample("theirs", 3)], "us/delivery", of="ours", to="theirs") == 4


def test_a_ratio_to_a_server_that_was_not_measured_is_an_error() -> None:
    with pytest.raises(KeyError):
        ratio([sample("ours", 12)], "us/delivery", of="ours", to="theirs")


def test_a_table_keeps_cases_together_and_leaves_holes_empty() -> None:
    rows = table(
        [sample("ours", 1, case="a"), sample("ours", 2, case="b"), Sample("s", "a", "theirs", 0, {"p50 ms": 5})]
    )
    assert rows.splitlines() == [
        "| case | server | us/delivery | p50 ms |",
        "| --- | --- | --: | --: |",
        "| a | ours | 1 |  |",
        "| a | theirs |  | 5 |",
        "| b | ours | 2 |  |",
    ]


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0, "0"), (0.5234, "0.523"), (7.256, "7.26"), (42.123, "42.1"), (999, "999"), (1_234_567.0, "1,230,000")],
)
def test_numbers_have_three_digits(value: float, shown: str) -> None:
    assert number(value) == shown


def test_the_page_says_what_was_left_out_and_why() -> None:
    sections = [Section("one room", "Everybody in it.", 3, [("us/delivery", "messages/s")])]
    misses = [Miss("", "Centrifugo", "no binary"), Miss("one room", "Tornado", "ended by itself")]
    page = markdown(Results("today", "a machine", "Python.", sections, [sample("ours", 1)], misses))
    assert "Everybody in it. 3 rounds." in page
    assert "![us/delivery by messages/s](plots/one-room-us-per-delivery.svg)" in page
    assert "Tornado: ended by itself" in page.partition("## Left out")[0]
    assert "Centrifugo: no binary" in page.partition("## Left out")[2]
