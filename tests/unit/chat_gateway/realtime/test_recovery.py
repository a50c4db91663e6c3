from chat_gateway.realtime.recovery import Recoveries
from tests.clients import Instance
from tests.fakes import OpenChannels


def test_an_instance_promises_only_so_much_at_once(application: OpenChannels) -> None:
    instance = Instance(application)
    one, two = instance.client().session, instance.client().session
    recoveries = Recoveries(each_bytes=100, instance_bytes=250)
    assert recoveries.reserve(one)
    assert recoveries.reserve(two)
    assert not recoveries.reserve(one)
    recoveries.written(one)
    assert recoveries.reserve(two)
    recoveries.written(two)
    recoveries.written(two)
    assert [recoveries.reserve(one) for _ in range(3)] == [True, True, False]


def test_a_reservation_that_was_not_needed_is_given_back_alone(application: OpenChannels) -> None:
    session = Instance(application).client().session
    recoveries = Recoveries(each_bytes=100, instance_bytes=250)
    assert recoveries.reserve(session)
    assert recoveries.reserve(session)
    recoveries.cancel(session)
    assert session.reserved == 100
    assert recoveries.reserve(session)
    assert not recoveries.reserve(session)


def test_a_reservation_of_a_session_that_has_ended_is_not_given_back_twice(application: OpenChannels) -> None:
    session = Instance(application).client().session
    recoveries = Recoveries(each_bytes=100, instance_bytes=100)
    assert recoveries.reserve(session)
    recoveries.written(session)
    recoveries.cancel(session)
    assert recoveries.reserve(session)
    assert not recoveries.reserve(session)
