from chat_gateway.realtime.limits import Limits


def test_the_limits_are_those_of_the_design() -> None:
    limits = Limits()
    assert (limits.connect_seconds, limits.ping_seconds, limits.pong_seconds) == (5, 25, 8)
    assert (limits.write_seconds, limits.expiry_grace_seconds) == (10, 25)
    assert (limits.in_flight, limits.faults_per_minute, limits.spread_seconds) == (64, 10, 20)
    assert limits.json_depth == 8
    assert (limits.recovery_bytes, limits.instance_recovery_bytes) == (128 << 10, 64 << 20)


def test_a_client_is_not_pinged_again_before_its_pong_is_due() -> None:
    assert Limits().pong_seconds < Limits().ping_seconds / 2
