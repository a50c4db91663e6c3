from chat_gateway.core.paced import Paced


def test_the_first_is_told_at_once_and_the_next_when_the_interval_is_over() -> None:
    paced: Paced[str, int] = Paced(2.0)
    paced.put("a", 1)
    assert paced.take(10.0) == {"a": 1}
    paced.put("b", 2)
    assert paced.take(11.9) == {}
    assert paced.take(12.0) == {"b": 2}


def test_what_happens_in_between_is_told_as_one() -> None:
    paced: Paced[str, int] = Paced(1.0)
    for key, value in (("a", 1), ("b", 2), ("a", 3)):
        paced.put(key, value)
    assert paced.get("a") == 3
    assert paced.get("c") is None
    assert paced.take(0.0) == {"a": 3, "b": 2}
    assert paced.take(9.0) == {}


def test_nothing_to_tell_takes_no_turn() -> None:
    paced: Paced[str, int] = Paced(1.0)
    assert paced.take(0.0) == {}
    paced.put("a", 1)
    assert paced.take(0.1) == {"a": 1}


def test_what_is_discarded_or_cleared_is_not_told() -> None:
    paced: Paced[str, int] = Paced(1.0)
    paced.put("a", 1)
    paced.put("b", 2)
    paced.discard("a")
    paced.discard("never there")
    assert paced.take(0.0) == {"b": 2}
    paced.put("c", 3)
    paced.clear()
    assert not paced


def test_it_rests_when_nothing_waits_and_nothing_would_have_to() -> None:
    paced: Paced[str, int] = Paced(1.0)
    assert paced.rests(0.0)
    paced.put("a", 1)
    assert not paced.rests(5.0)
    paced.take(5.0)
    assert not paced.rests(5.9)
    assert paced.rests(6.0)
