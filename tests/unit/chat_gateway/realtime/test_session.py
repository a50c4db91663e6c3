"""A session as its client sees it: what is answered, and what breaches the protocol."""

import pytest

from chat_gateway.protocol import frames
from tests.builders import batch
from tests.clients import Instance, idle, token_of, until
from tests.fakes import LOST, MemoryLog

BAD_REQUEST = (3501, "bad request")
ROOM = "room:r"


@pytest.mark.parametrize(
    "command",
    [
        {"subscribe": {"channel": "open"}},
        {"rpc": {"method": "echo"}},
        {"refresh": {"token": "t"}},
        {"nonsense": {}},
    ],
)
async def test_the_first_command_must_be_connect(instance: Instance, command: dict[str, object]) -> None:
    client = instance.client()
    client.send(**command)
    assert client.link.closed == BAD_REQUEST
    assert instance.application.calls == []


async def test_a_second_connect_ends_the_connection(instance: Instance) -> None:
    client = await instance.connected()
    client.send(connect={"token": token_of("ann")})
    assert client.link.closed == BAD_REQUEST
    assert instance.nothing_attached()


async def test_two_connects_in_one_frame_end_the_connection_after_the_first(instance: Instance) -> None:
    client = instance.client()
    first, _ = client.send_all(*[{"connect": {"token": token_of("ann")}}] * 2)
    await until(lambda: client.link.closed)
    assert client.link.closed == BAD_REQUEST
    assert "connect" in client.reply(first)


@pytest.mark.parametrize(
    "command",
    [
        {"connect": {"token": token_of("ann")}},
        {"rpc": {"method": "echo"}},
        {"subscribe": {"channel": "open"}},
        {"x": 1},
    ],
)
async def test_any_command_after_a_refused_connect_ends_the_connection(
    instance: Instance, command: dict[str, object]
) -> None:
    client = instance.client()
    reply = await client.call(connect={"token": "expired"})
    assert reply["error"] == {"code": 109, "message": "token_expired"}
    client.send(**command)
    await until(lambda: client.link.closed)
    assert client.link.closed == BAD_REQUEST
    assert instance.application.calls == ["verify"]


@pytest.mark.parametrize("payload", [b"", b"nonsense", b"[]", b'{"id":1}\n\n{"id":2}', b'{"rpc":{}}', b"\xff"])
async def test_malformed_input_ends_the_connection(instance: Instance, payload: bytes) -> None:
    client = await instance.connected()
    client.send_raw(payload)
    assert client.link.closed == BAD_REQUEST


async def test_input_behind_the_end_is_ignored(instance: Instance) -> None:
    client = await instance.connected()
    client.send_raw(b"nonsense")
    client.send_raw(b"nonsense again")
    client.send(rpc={"method": "echo"})
    await idle()
    assert not any(call.startswith("rpc") for call in instance.application.calls)


async def test_the_ping_command_and_messages_without_reply_are_not_taken(instance: Instance) -> None:
    one, two = await instance.connected(), await instance.connected()
    one.send(ping={})
    two.send_raw(b'{"send":{"data":{}}}')
    assert one.link.closed == BAD_REQUEST
    assert two.link.closed == (3508, "not available")


async def test_a_command_without_an_id_ends_the_connection(instance: Instance) -> None:
    client = await instance.connected()
    client.session.inbox.put(frames.Command(0, frames.Rpc()))
    client.session.inbox.pump()
    assert client.link.closed == BAD_REQUEST


async def test_ten_unknown_commands_a_minute_are_answered_and_one_more_ends_the_connection(instance: Instance) -> None:
    client = await instance.connected()
    ids = [client.send(nonsense={}) for _ in range(10)]
    await until(lambda: client.answered(ids[-1]))
    assert client.reply(ids[0])["error"] == {"code": 107, "message": "bad_request"}
    assert client.link.closed is None
    client.send(nonsense={})
    assert client.link.closed == (3509, "too many errors")


async def test_unknown_commands_are_forgiven_with_the_next_minute(instance: Instance) -> None:
    client = await instance.connected()
    for _ in range(10):
        client.send(nonsense={})
    instance.clock.pass_seconds(60)
    for _ in range(10):
        client.send(nonsense={})
    assert client.link.closed is None


async def test_refusals_are_no_faults(instance: Instance) -> None:
    client = await instance.connected()
    for _ in range(20):
        await client.call(rpc={"method": "conflict"})
    assert client.link.closed is None


async def test_a_refusal_is_answered_by_number_code_and_the_time_to_wait(instance: Instance) -> None:
    client = await instance.connected()
    conflict = await client.call(rpc={"method": "conflict"})
    busy = await client.call(rpc={"method": "busy"})
    assert conflict["error"] == {"code": 460, "message": "client_id_conflict"}
    assert busy["error"] == {"code": 111, "message": "too_many_requests retry_after=3", "temporary": True}


async def test_an_unexpected_failure_is_answered_and_the_session_lives(instance: Instance) -> None:
    client = await instance.connected()
    instance.application.failures["rpc broken"] = RuntimeError("a bug")
    reply = await client.call(rpc={"method": "broken"})
    assert reply["error"] == {"code": 100, "message": "internal", "temporary": True}
    assert (await client.call(rpc={"method": "echo", "data": {"a": 1}}))["rpc"] == {"data": {"a": 1}}


@pytest.mark.parametrize("stage", ["verify", "channels_of", "snapshot"])
async def test_an_unexpected_failure_of_connect_leaves_nothing_behind(instance: Instance, stage: str) -> None:
    client = instance.client()
    instance.application.failures[stage] = RuntimeError("a bug")
    reply = await client.call(connect={"token": token_of("ann")})
    assert reply["error"]["code"] == 100
    assert instance.hub.channels() == []
    assert instance.hub._membership.users == {}
    client.send(publish={"channel": "open", "data": {}})
    await until(lambda: client.link.closed)
    assert client.link.closed == BAD_REQUEST
    assert instance.application.log.everything("open") == []


async def test_an_unexpected_failure_of_subscribe_leaves_nothing_behind(instance: Instance) -> None:
    client = await instance.connected()
    instance.application.failures["snapshot"] = RuntimeError("a bug")
    assert (await client.call(subscribe={"channel": "open"}))["error"]["code"] == 100
    assert instance.hub.channels() == ["user:ann"]
    assert "subscribe" in await client.call(subscribe={"channel": "open"})


async def test_an_unasked_pong_behind_commands_ends_the_connection_first(instance: Instance) -> None:
    client = await instance.connected()
    client.send_raw(b'{"id":7,"rpc":{"method":"echo"}}\n{}')
    assert client.link.closed == BAD_REQUEST
    await idle()
    assert "rpc echo" not in instance.application.calls


async def test_commands_behind_an_unasked_pong_are_ignored(instance: Instance) -> None:
    client = await instance.connected()
    client.send_raw(b'{}\n{"id":7,"rpc":{"method":"echo"}}')
    await idle()
    assert client.link.closed == BAD_REQUEST
    assert "rpc echo" not in instance.application.calls


async def test_clients_of_one_encoding_share_a_frame(instance: Instance) -> None:
    one, two = instance.client().session, instance.client().session
    assert one.variant == two.variant


async def test_a_post_of_one_is_seen_before_its_reply(instance: Instance) -> None:
    client = await instance.connected()
    await client.call(subscribe={"channel": "open"})
    posted = client.send(publish={"channel": "open", "data": {}})
    await until(lambda: client.answered(posted))
    kinds = ["push" if "push" in message else "reply" for message in client.link.messages()[-2:]]
    assert kinds == ["push", "reply"]


async def test_a_client_may_leave_a_room_by_its_own_command(instance: Instance, log: MemoryLog) -> None:
    instance.application.members[ROOM].add("ann")
    client = await instance.connected()
    await client.call(rpc={"method": "leave", "data": ROOM})
    instance.hub.received(batch(ROOM, [log.append(ROOM)]))
    await idle()
    assert client.offsets(ROOM) == [1]
    assert log.everything(ROOM)[0].kind == LOST
