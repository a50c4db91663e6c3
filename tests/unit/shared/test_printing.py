"""What commands print is plain and aligned, and cannot give orders to a terminal."""

from shared.printing import columns, facts, moment, shown


def test_facts_stand_in_one_column() -> None:
    assert facts([("id", "lobby"), ("messages", 7), ("topic", "")]) == "id        lobby\nmessages  7\ntopic\n"
    assert facts([]) == ""


def test_numbers_of_a_table_stand_right() -> None:
    text = columns(("table", "rows"), [("entry", 1_000), ("log", 2)])
    assert text == "table   rows\nentry  1,000\nlog        2\n"
    assert columns(("table", "rows"), []) == "table  rows\n"


def test_what_people_wrote_cannot_move_the_cursor_or_start_a_line() -> None:
    assert shown("one\ntwo\x1b[2Jthree\u202e") == "one two [2Jthree "
    assert shown("x" * 50, most=10) == "xxxxxxx..."


def test_a_moment_is_in_utc() -> None:
    assert moment(1_800_000_000_123) == "2027-01-15 08:00:00 UTC"
