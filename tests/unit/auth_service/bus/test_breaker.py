from auth_service.bus.breaker import Breaker


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def broken(clock: Clock) -> Breaker:
    """Three failures in a row."""
    breaker = Breaker(clock=clock)
    assert [breaker.failed() for _ in range(3)] == [False, False, True]
    return breaker


def test_fewer_failures_in_a_row_keep_it_open_to_all() -> None:
    breaker = Breaker(clock=Clock())
    for _ in range(5):
        assert [breaker.failed(), breaker.failed()] == [False, False]
        assert breaker.lets_through()
        assert not breaker.worked()


def test_three_failures_shut_it_for_five_seconds_then_one_tries() -> None:
    clock = Clock()
    breaker = broken(clock)
    clock.now += 4.9
    assert not breaker.lets_through()
    clock.now += 0.1
    assert [breaker.lets_through() for _ in range(3)] == [True, False, False]


def test_trial_that_works_opens_it_to_all() -> None:
    clock = Clock()
    breaker = broken(clock)
    clock.now += 5
    assert breaker.lets_through()
    assert breaker.worked()
    assert breaker.lets_through()
    assert not breaker.worked()


def test_trial_that_fails_shuts_it_again_and_is_not_told_twice() -> None:
    clock = Clock()
    breaker = broken(clock)
    clock.now += 5
    assert breaker.lets_through()
    assert not breaker.failed()
    assert not breaker.lets_through()


def test_trial_that_never_ends_is_followed_by_another() -> None:
    clock = Clock()
    breaker = broken(clock)
    clock.now += 5
    assert breaker.lets_through()
    clock.now += 5
    assert breaker.lets_through()
