"""What each command answers."""

import pytest

from chat_gateway.realtime.ports import Grant
from shared.errors import Unavailable
from tests.builders import NOW
from tests.clients import EXPIRES_AT, Instance, token_of, until
from tests.fakes import MemoryLog

ROOM = "room:r"


async def test_connect_answers_who_is_there_and_where_each_channel_stands(instance: Instance, log: MemoryLog) -> None:
    instance.application.members[ROOM].add("ann")
    log.append(ROOM)
    client = instance.client()
    reply = (await client.call(connect={"token": token_of("ann")}))["connect"]
    position = {"recoverable": True, "positioned": True, "epoch": "e1"}
    assert reply == {
        "client": client.session.client_id,
        "version": "parley test",
        "data": {"rooms": [ROOM]},
        "expires": True,
        "ttl": 600,
        "ping": 25,
        "pong": True,
        "node": "gateway-1",
        "subs": {"user:ann": position, ROOM: {**position, "offset": 1}},
    }


@pytest.mark.parametrize(
    ("token", "code", "message"),
    [("", 101, "unauthorized"), ("expired", 109, "token_expired"), ("unknown key", 100, "unavailable")],
)
async def test_a_connect_that_may_be_repeated_is_answered(
    instance: Instance, token: str, code: int, message: str
) -> None:
    client = instance.client()
    reply = await client.call(connect={"token": token})
    assert (reply["error"]["code"], reply["error"]["message"]) == (code, message)
    assert reply["error"].get("temporary", False) == (code == 100)
    assert client.link.closed is None


async def test_a_connect_with_an_invalid_token_ends_the_connection_without_a_reply(instance: Instance) -> None:
    client = instance.client()
    client.send(connect={"token": "forged"})
    await until(lambda: client.link.closed)
    assert client.link.closed == (3500, "invalid token")
    assert client.link.sent == []
    assert instance.nothing_attached()


async def test_a_token_at_its_end_still_has_a_second(instance: Instance) -> None:
    client = instance.client()
    reply = await client.call(connect={"token": token_of("ann", expires_at=int(NOW) - 3)})
    assert reply["connect"]["ttl"] == 1


async def test_connect_recovers_what_was_missed(instance: Instance, log: MemoryLog) -> None:
    instance.application.members[ROOM].add("ann")
    for _ in range(3):
        log.append(ROOM, b'{"text":"hi"}')
    client = instance.client()
    subs = {ROOM: {"recover": True, "epoch": "e1", "offset": 1}, "user:ann": {}, "room:other": {"recover": True}}
    reply = (await client.call(connect={"token": token_of("ann"), "subs": subs}))["connect"]
    assert set(reply["subs"]) == {"user:ann", ROOM}
    assert reply["subs"][ROOM] == {
        "recoverable": True,
        "positioned": True,
        "epoch": "e1",
        "offset": 1,
        "publications": [{"data": {"text": "hi"}, "offset": 2}, {"data": {"text": "hi"}, "offset": 3}],
        "recovered": True,
        "was_recovering": True,
    }
    assert "was_recovering" not in reply["subs"]["user:ann"]


async def test_publish_answers_when_it_is_done(instance: Instance, log: MemoryLog) -> None:
    client = await instance.connected()
    assert (await client.call(publish={"channel": "open", "data": {"a": 1}}))["publish"] == {}
    assert [one.data for one in log.everything("open")] == [b'{"a": 1}']
    reply = await client.call(publish={"channel": ROOM, "data": {}})
    assert reply["error"] == {"code": 440, "message": "room_not_found"}


async def test_an_rpc_answers_the_bytes_of_its_method(instance: Instance) -> None:
    client = await instance.connected()
    assert (await client.call(rpc={"method": "echo", "data": [1, "ä"]}))["rpc"] == {"data": [1, "ä"]}


async def test_history_answers_publications_and_position(instance: Instance, log: MemoryLog) -> None:
    for number in range(3):
        log.append("open", str(number).encode())
    client = await instance.connected()
    reply = await client.call(history={"channel": "open", "limit": 2})
    assert reply["history"] == {
        "publications": [{"data": 0, "offset": 1}, {"data": 1, "offset": 2}],
        "epoch": "e1",
        "offset": 3,
    }
    reply = await client.call(history={"channel": "open", "limit": -1, "since": {"offset": 2, "epoch": "e1"}})
    assert reply["history"]["publications"] == [{"data": 2, "offset": 3}]


@pytest.mark.parametrize("command", ["presence", "presence_stats", "sub_refresh"])
async def test_commands_for_what_is_not_there_are_not_available(instance: Instance, command: str) -> None:
    client = await instance.connected()
    await client.call(subscribe={"channel": "open"})
    reply = await client.call(**{command: {"channel": "open"}})
    assert reply["error"] == {"code": 108, "message": "not_available"}


async def test_refresh_renews_the_token_of_the_session(instance: Instance) -> None:
    client = await instance.connected()
    reply = await client.call(refresh={"token": token_of("ann", expires_at=EXPIRES_AT + 100, session="s2")})
    assert reply["refresh"] == {"expires": True, "ttl": 700}
    user = client.session.user
    assert user is not None
    assert user.session == "s2"


@pytest.mark.parametrize(
    ("token", "end"),
    [
        (token_of("bob"), (3500, "invalid token")),
        ("forged", (3500, "invalid token")),
        ("", (3500, "invalid token")),
        ("expired", (3005, "connection expired")),
    ],
)
async def test_a_refresh_that_is_no_renewal_ends_the_connection(
    instance: Instance, token: str, end: tuple[int, str]
) -> None:
    client = await instance.connected()
    client.send(refresh={"token": token})
    await until(lambda: client.link.closed)
    assert client.link.closed == end
    assert instance.nothing_attached()


async def test_a_refresh_that_cannot_be_read_now_may_be_repeated(instance: Instance) -> None:
    client = await instance.connected()
    reply = await client.call(refresh={"token": "unknown key"})
    assert reply["error"]["temporary"]
    assert client.link.closed is None


async def test_a_refused_connect_leaves_nothing_behind(instance: Instance) -> None:
    instance.application.members[ROOM].add("ann")
    client = instance.client()
    instance.application.failures["snapshot"] = Unavailable("store_unavailable", "The database does not answer now.")
    reply = await client.call(connect={"token": token_of("ann")})
    assert reply["error"] == {"code": 100, "message": "store_unavailable", "temporary": True}
    assert instance.hub.channels() == []
    assert instance.hub._membership.users == {}
    assert client.session.user is None


async def test_unsubscribing_what_is_not_subscribed_or_not_the_clients_is_nothing(instance: Instance) -> None:
    client = await instance.connected()
    assert (await client.call(unsubscribe={"channel": "open"}))["unsubscribe"] == {}
    assert (await client.call(unsubscribe={"channel": "user:ann"}))["unsubscribe"] == {}
    assert instance.hub.channels() == ["user:ann"]


async def test_the_reservation_of_a_recovery_ends_when_its_bytes_are_with_the_kernel(
    instance: Instance, log: MemoryLog
) -> None:
    log.append("open")
    log.append("open")
    client = await instance.connected()
    whole = instance.engine.limits.instance_recovery_bytes
    client.link.block()
    client.session.outbox.put(client.session.wrap(b"{}"))
    await until(lambda: client.session.outbox.blocked)
    client.send(subscribe={"channel": "open", "recover": True, "epoch": "e1", "offset": 1})
    await until(lambda: client.session.reserved)
    assert instance.engine.recoveries._left < whole
    client.link.unblock()
    assert client.session.reserved == 0
    assert instance.engine.recoveries._left == whole


async def test_the_reservation_of_a_recovery_that_is_written_at_once_ends_at_once(
    instance: Instance, log: MemoryLog
) -> None:
    log.append("open")
    client = await instance.connected()
    reply = await client.call(subscribe={"channel": "open", "recover": True, "epoch": "e1"})
    assert len(reply["subscribe"]["publications"]) == 1
    await until(lambda: client.session.reserved == 0)
    assert instance.engine.recoveries._left == instance.engine.limits.instance_recovery_bytes


async def test_a_position_of_another_log_has_no_history(instance: Instance, log: MemoryLog) -> None:
    log.append("open")
    client = await instance.connected()
    reply = await client.call(history={"channel": "open", "limit": 1, "since": {"offset": 1, "epoch": "e0"}})
    assert reply["error"] == {"code": 112, "message": "unrecoverable_position"}
    reply = await client.call(history={"channel": "open", "limit": 1, "since": {"offset": 0}})
    assert len(reply["history"]["publications"]) == 1


async def test_before_the_beginning_there_is_no_history(instance: Instance) -> None:
    client = await instance.connected()
    reply = await client.call(history={"channel": "open", "limit": 1, "reverse": True, "since": {"epoch": "e1"}})
    assert reply["error"] == {"code": 107, "message": "bad_request"}
    assert "history" not in instance.application.calls


async def test_a_publication_may_show_who_made_it(instance: Instance) -> None:
    instance.application.grants["signed"] = Grant(chan_info=b'{"seat":1}')
    client = await instance.connected()
    await client.call(publish={"channel": "signed", "data": 1})
    await client.call(subscribe={"channel": "signed"})
    await client.call(publish={"channel": "signed", "data": 2})
    info = {"user": "ann", "client": client.session.client_id, "conn_info": {"name": "ann"}}
    reply = await client.call(history={"channel": "signed", "limit": -1})
    assert [one["info"] for one in reply["history"]["publications"]] == [info, {**info, "chan_info": {"seat": 1}}]
    assert client.pushes("pub", "signed")[0]["info"] == {**info, "chan_info": {"seat": 1}}


async def test_replies_and_publications_of_one_tick_leave_in_their_order(instance: Instance) -> None:
    client = await instance.connected()
    await client.call(subscribe={"channel": "open"})
    before = len(client.link.sent)
    ids = client.send_all(
        {"rpc": {"method": "a"}}, {"publish": {"channel": "open", "data": 1}}, {"rpc": {"method": "b"}}
    )
    await until(lambda: all(client.answered(id_) for id_ in ids))
    assert len(client.link.sent) == before + 1
    assert [message.get("id") for message in client.link.messages()[-4:]] == [ids[0], None, ids[1], ids[2]]
