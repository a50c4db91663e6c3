"""Pings, pongs and deadlines, with a clock turned by hand."""

import json

from chat_gateway.realtime.limits import Limits
from tests.clients import Client, Instance, idle, token_of, until
from tests.fakes import OpenChannels

EXPIRED = (3005, "connection expired")


async def pinged(instance: Instance) -> Client:
    client = await instance.connected()
    instance.pass_seconds(13)
    await until(lambda: client.pings() == 1)
    return client


async def test_the_first_ping_comes_in_the_second_half_of_the_interval(instance: Instance) -> None:
    instance.engine.random = lambda: 0.99
    client = await instance.connected()
    instance.pass_seconds(24)
    await idle()
    assert client.pings() == 0
    instance.pass_seconds(2)
    await until(lambda: client.pings() == 1)


async def test_a_client_that_answers_is_pinged_again(instance: Instance) -> None:
    client = await pinged(instance)
    client.send_raw(b"{}")
    instance.pass_seconds(26)
    await until(lambda: client.pings() == 2)
    assert client.link.closed is None


async def test_a_client_that_does_not_answer_is_closed(instance: Instance) -> None:
    client = await pinged(instance)
    instance.pass_seconds(7)
    assert client.link.closed is None
    instance.pass_seconds(2)
    assert client.link.closed == (3012, "no pong")


async def test_a_pong_nobody_asked_for_ends_the_connection(instance: Instance) -> None:
    client = await pinged(instance)
    client.send_raw(b"{}")
    assert client.link.closed is None
    client.send_raw(b"{}")
    assert client.link.closed == (3501, "bad request")


async def test_a_pong_before_connect_ends_the_connection(instance: Instance) -> None:
    client = instance.client()
    client.send_raw(b"{}")
    assert client.link.closed == (3501, "bad request")


async def test_a_pong_is_taken_while_commands_wait(instance: Instance) -> None:
    client = await pinged(instance)
    gate = instance.application.gate("snapshot")
    client.send_raw(b'{"id":9,"subscribe":{"channel":"open"}}\n{"id":10,"rpc":{"method":"echo"}}\n{}')
    await gate.reached.wait()
    instance.pass_seconds(9)
    assert client.link.closed is None


async def test_a_client_we_do_not_read_from_is_not_asked_for_its_pong(instance: Instance) -> None:
    client = await pinged(instance)
    gate = instance.application.gate("snapshot")
    _, echo = client.send_all({"subscribe": {"channel": "open"}}, {"rpc": {"method": "echo"}})
    await gate.reached.wait()
    assert client.link.paused
    instance.pass_seconds(17)
    assert client.link.closed is None
    gate.open()
    await until(lambda: client.answered(echo))
    instance.pass_seconds(9)
    assert client.link.closed == (3012, "no pong")


async def test_an_ended_session_is_not_pinged(instance: Instance) -> None:
    client = await pinged(instance)
    client.lose()
    instance.pass_seconds(60)
    await idle()
    assert client.pings() == 1


async def test_a_token_is_good_for_25_seconds_beyond_its_end(application: OpenChannels) -> None:
    async with Instance(application, limits=Limits(ping_seconds=100_000)) as instance:
        client = await instance.connected()
        instance.pass_seconds(600 + 24)
        assert client.link.closed is None
        instance.pass_seconds(2)
        assert client.link.closed == EXPIRED


async def test_a_renewed_token_counts_instead(application: OpenChannels) -> None:
    async with Instance(application, limits=Limits(ping_seconds=100_000)) as instance:
        client = await instance.connected()
        later = int(instance.clock.now()) + 1_200
        reply = await client.call(refresh={"token": token_of("ann", expires_at=later)})
        assert reply["refresh"] == {"expires": True, "ttl": 1_200}
        instance.pass_seconds(1_200 + 24)
        assert client.link.closed is None
        instance.pass_seconds(2)
        assert client.link.closed == EXPIRED


async def test_a_clock_set_back_only_moves_the_end(application: OpenChannels) -> None:
    async with Instance(application, limits=Limits(ping_seconds=100_000)) as instance:
        client = await instance.connected()
        instance.clock.step(-300)
        instance.pass_seconds(600 + 26)
        assert client.link.closed is None
        instance.pass_seconds(301)
        assert client.link.closed == EXPIRED


async def test_the_expiry_of_an_ended_session_is_nothing(application: OpenChannels) -> None:
    async with Instance(application, limits=Limits(ping_seconds=100_000)) as instance:
        client = await instance.connected()
        client.lose()
        instance.engine.heartbeat.watch_expiry(instance.client().session)  # has no user yet
        instance.pass_seconds(700)
        assert client.link.closed is None


async def blocked(instance: Instance, size: int = 1_000) -> Client:
    client = await instance.connected()
    await client.call(subscribe={"channel": "open"})
    client.link.block()
    await post(instance, size)
    assert client.session.outbox.blocked
    return client


async def post(instance: Instance, size: int = 1_000) -> None:
    instance.application.post("open", json.dumps("x" * size).encode())
    await idle()


async def test_a_peer_that_takes_nothing_for_ten_seconds_is_given_up(instance: Instance) -> None:
    client = await blocked(instance)
    instance.pass_seconds(9)
    assert not client.link.aborted
    instance.pass_seconds(2)
    assert client.link.aborted
    assert instance.nothing_attached()


async def test_a_peer_that_takes_some_is_given_more_time(instance: Instance) -> None:
    client = await blocked(instance)
    client.link.take_some(500)
    instance.pass_seconds(11)
    assert not client.link.aborted
    instance.pass_seconds(9)
    assert client.link.aborted


async def test_what_is_queued_meanwhile_is_no_progress(instance: Instance) -> None:
    client = await blocked(instance)
    client.link.take_some(500)
    await post(instance)
    assert client.session.outbox.size > 500
    instance.pass_seconds(11)
    assert not client.link.aborted
    instance.pass_seconds(10)
    assert client.link.aborted


async def test_a_peer_that_is_slow_again_and_again_is_measured_each_time(instance: Instance) -> None:
    """The deadline of an earlier jam, long dissolved, says nothing of the present one."""
    client = await blocked(instance, 10)
    client.link.unblock()
    instance.pass_seconds(9)
    client.link.block()
    await post(instance, 5_000)
    instance.pass_seconds(3)
    assert not client.link.aborted
    instance.pass_seconds(9)
    assert client.link.aborted


async def test_a_peer_that_took_everything_is_let_be(instance: Instance) -> None:
    client = await blocked(instance)
    client.link.unblock()
    instance.pass_seconds(11)
    assert not client.link.aborted
    await until(lambda: client.offsets("open") == [1])


async def test_a_jam_of_an_ended_session_is_nothing(instance: Instance) -> None:
    client = await blocked(instance)
    client.lose()
    instance.pass_seconds(11)
    assert not client.link.aborted
