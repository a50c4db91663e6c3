"""What a client is told of a subscription, by what was granted."""

from chat_gateway.protocol import frames
from chat_gateway.realtime.ports import Grant, Recovered
from chat_gateway.realtime.subscription import NO_LOG, Subscription, ttl, wanted_position
from tests.builders import NOW, head, publications

RECOVERED = Recovered(head=head(3), recovered=True, publications=publications(2, 3))
RESUME = frames.Resume(recover=True, offset=1, epoch="e1")


def result(grant: Grant, found: Recovered = RECOVERED, resume: frames.Resume | None = RESUME) -> frames.SubscribeResult:
    return Subscription(grant, by_server=False).result(found, wanted_position(resume, grant), NOW)


def test_a_recovered_subscription_stands_at_the_clients_own_offset_and_brings_the_rest() -> None:
    got = result(Grant())
    assert (got.recovered, got.was_recovering, got.offset, got.epoch) == (True, True, 1, "e1")
    assert got.publications == RECOVERED.publications


def test_a_new_subscription_stands_at_the_head_and_brings_nothing() -> None:
    got = result(Grant(), resume=None)
    assert (got.recovered, got.was_recovering, got.offset) == (False, False, 3)
    assert got.publications == ()


def test_what_cannot_be_recovered_is_told_and_never_in_part() -> None:
    got = result(Grant(), Recovered(head=head(3), recovered=False, publications=publications(3)))
    assert (got.recovered, got.was_recovering, got.offset) == (False, True, 3)
    assert got.publications == ()


def test_without_recovery_a_position_is_told_but_not_gone_on_from() -> None:
    got = result(Grant(recoverable=False))
    assert (got.recoverable, got.positioned, got.was_recovering, got.offset) == (False, True, False, 3)


def test_recovery_brings_positions() -> None:
    assert result(Grant(positioned=False)).positioned


def test_without_positions_none_is_told() -> None:
    grant = Grant(recoverable=False, positioned=False)
    got = result(grant)
    assert (got.positioned, got.offset, got.epoch) == (False, 0, "")
    push = Subscription(grant, by_server=True).push(head(3))
    assert push == frames.SubscribePush()


def test_a_pushed_subscription_says_what_was_granted() -> None:
    push = Subscription(Grant(data=b'"hi"'), by_server=True).push(head(3))
    assert push == frames.SubscribePush(recoverable=True, positioned=True, epoch="e1", offset=3, data=b'"hi"')


def test_expiry_and_data_are_told() -> None:
    got = result(Grant(expires_at=int(NOW) + 60, data=b'{"a":1}'))
    assert (got.expires, got.ttl, got.data) == (True, 60, b'{"a":1}')
    assert not result(Grant()).expires


def test_what_is_over_already_still_has_a_second() -> None:
    assert ttl(int(NOW) - 5, NOW) == 1
    assert ttl(None, NOW) == 0


def test_where_there_is_no_log_there_is_nothing_to_recover() -> None:
    assert not NO_LOG.recovered
    assert NO_LOG.head.epoch == ""
