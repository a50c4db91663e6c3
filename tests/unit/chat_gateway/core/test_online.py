from collections.abc import Iterable

from chat_gateway.core.ids import UserId
from chat_gateway.core.online import Here, Online, Roll

ANN, BOB, CY = UserId("ann"), UserId("bob"), UserId("cy")


def roll(seq: int, *users: UserId, ttl: float = 60.0) -> Roll:
    return Roll(seq, frozenset(users), ttl)


def online(instances: Iterable[tuple[str, Roll]]) -> Online:
    made = Online()
    for instance, one in instances:
        made.put(instance, one, now=0.0)
    made.take_flipped()
    return made


def test_a_user_is_here_from_the_first_socket_until_the_grace_after_the_last() -> None:
    here = Here(15.0)
    assert here.connected(ANN)
    assert not here.connected(ANN)
    here.disconnected(ANN, 100.0)
    assert here.expire(200.0) == []
    here.disconnected(ANN, 200.0)
    assert here.expire(214.9) == []
    assert ANN in here.users
    assert here.expire(215.0) == [ANN]
    assert ANN not in here.users


def test_who_comes_back_within_the_grace_was_never_away() -> None:
    here = Here(15.0)
    here.connected(ANN)
    here.disconnected(ANN, 100.0)
    assert not here.connected(ANN)
    assert here.expire(1_000.0) == []
    here.disconnected(ANN, 1_000.0)
    assert here.expire(1_014.0) == []  # counted from the last time
    assert here.expire(1_015.0) == [ANN]


def test_each_goes_in_their_turn() -> None:
    here = Here(15.0)
    for user in (ANN, BOB):
        here.connected(user)
    here.disconnected(BOB, 1.0)
    here.disconnected(ANN, 2.0)
    assert here.expire(16.5) == [BOB]
    assert here.expire(17.0) == [ANN]


def test_who_is_on_two_instances_goes_with_the_last() -> None:
    there = online([("g1", roll(1, ANN)), ("g2", roll(1, ANN))])
    assert there.change("g1", 2, [], [ANN], 60.0)
    assert ANN in there
    assert there.take_flipped() == set()
    there.drop("g2")
    assert ANN not in there
    assert there.take_flipped() == {ANN}


def test_our_own_people_count_with_all_others() -> None:
    there = online([("g1", roll(1, ANN))])
    there.add(ANN)
    there.add(BOB)
    assert there.take_flipped() == {BOB}
    there.remove(ANN)
    there.remove(BOB)
    assert ANN in there
    assert BOB not in there
    assert there.take_flipped() == {BOB}


def test_a_change_is_applied_once_and_only_in_its_turn() -> None:
    there = online([("g1", roll(3, ANN))])
    assert not there.change("g1", 5, [CY], [], 60.0)  # 4 is missing
    assert CY not in there
    assert there.change("g1", 4, [BOB], [ANN], 60.0)
    assert there.change("g1", 4, [BOB], [ANN], 60.0)  # a repeat
    assert there.change("g1", 2, [ANN], [BOB], 60.0)  # an old one
    assert BOB in there
    assert ANN not in there


def test_a_change_that_names_whom_the_roll_has_already_counts_nobody_twice() -> None:
    there = online([("g1", roll(1, ANN))])
    there.change("g1", 2, [ANN, ANN], [BOB], 60.0)
    there.change("g1", 3, [], [ANN], 60.0)
    assert ANN not in there


def test_a_change_of_an_unknown_instance_needs_its_roll() -> None:
    assert not Online().change("g1", 1, [ANN], [], 60.0)


def test_a_roll_that_was_overtaken_by_its_changes_is_passed_over() -> None:
    there = online([("g1", roll(7, ANN))])
    there.put("g1", roll(6, BOB), now=0.0)
    assert ANN in there
    assert BOB not in there
    there.put("g1", roll(7, BOB), now=0.0)
    assert ANN not in there
    assert BOB in there


def test_a_roll_runs_out_unless_it_is_renewed() -> None:
    there = online([("g1", roll(1, ANN)), ("g2", roll(1, BOB, ttl=10.0))])
    assert there.overdue(10.0) == ["g2"]
    there.change("g2", 2, [], [], 70.0)
    assert there.overdue(59.9) == []
    assert there.overdue(60.0) == ["g1"]


def test_a_roll_that_redis_lost_is_kept_for_a_while() -> None:
    there = online([("g1", roll(1, ANN, ttl=1.0)), ("g2", roll(1, BOB))])
    there.keep({"g2"}, until=15.0)
    assert there.overdue(14.0) == []
    assert there.overdue(15.0) == ["g1"]


def test_dropping_an_instance_nobody_knows_changes_nothing() -> None:
    there = online([("g1", roll(1, ANN))])
    there.drop("g2")
    assert ANN in there
