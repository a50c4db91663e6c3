"""Which wishes for a subscription are granted, and with which options."""

import pytest

from chat_gateway.protocol import codes
from chat_gateway.realtime.context import Disconnected
from chat_gateway.realtime.limits import Limits
from chat_gateway.realtime.ports import Grant
from chat_gateway.realtime.publication import ephemeral
from shared.errors import NotFound
from tests.clients import Client, Instance, idle, token_of, until
from tests.fakes import MemoryLog, OpenChannels

ROOM = "room:r"


@pytest.fixture
async def client(instance: Instance) -> Client:
    return await instance.connected()


async def test_a_client_that_has_its_state_elsewhere_is_refused_what_cannot_be_recovered(
    client: Client, instance: Instance, log: MemoryLog
) -> None:
    log.append("open")
    wish = {"channel": "open", "recover": True, "flag": 3}
    reply = await client.call(subscribe={**wish, "offset": 1, "epoch": "e0"})
    assert reply["error"] == {"code": 112, "message": "unrecoverable_position"}
    assert instance.hub.channels() == ["user:ann"]
    assert instance.engine.recoveries._left == instance.engine.limits.instance_recovery_bytes
    reply = await client.call(subscribe={**wish, "offset": 1, "epoch": "e1"})
    assert reply["subscribe"]["recovered"]


async def test_the_flag_means_nothing_to_one_who_recovers_nothing(client: Client) -> None:
    assert "subscribe" in await client.call(subscribe={"channel": "open", "flag": 2})


async def test_a_channel_of_one_who_may_not_recover_begins_at_the_head(
    client: Client, instance: Instance, log: MemoryLog
) -> None:
    instance.application.grants["open"] = Grant(recoverable=False)
    log.append("open")
    reply = await client.call(subscribe={"channel": "open", "recover": True, "epoch": "e1"})
    assert reply["subscribe"] == {"positioned": True, "epoch": "e1", "offset": 1}


async def test_there_are_only_so_many_subscriptions(application: OpenChannels) -> None:
    async with Instance(application, limits=Limits(channels=2)) as instance:
        client = await instance.connected()
        assert "subscribe" in await client.call(subscribe={"channel": "open"})
        reply = await client.call(subscribe={"channel": "more"})
        assert reply["error"] == {"code": 106, "message": "limit_exceeded"}
        assert client.link.closed is None


async def test_what_the_application_does_not_admit_is_not_attached(client: Client, instance: Instance) -> None:
    instance.application.failures["admit"] = NotFound("unknown_channel", "There is no such channel.")
    reply = await client.call(subscribe={"channel": "open"})
    assert reply["error"] == {"code": 102, "message": "unknown_channel"}
    assert instance.hub.channels() == ["user:ann"]


async def test_an_application_may_end_the_connection_over_a_wish(client: Client, instance: Instance) -> None:
    instance.application.failures["admit"] = Disconnected(codes.INVALID_TOKEN)
    client.send(subscribe={"channel": "open"})
    await until(lambda: client.link.closed)
    assert client.link.closed == (3500, "invalid token")


async def test_a_client_that_is_gone_while_its_wish_is_judged_is_not_attached(
    client: Client, instance: Instance
) -> None:
    gate = instance.application.gate("admit")
    client.send(subscribe={"channel": "open"})
    await gate.reached.wait()
    client.lose()
    gate.open()
    await idle()
    assert instance.nothing_attached()


async def test_a_room_gained_while_a_wish_for_it_is_judged_is_the_servers(client: Client, instance: Instance) -> None:
    gate = instance.application.gate("admit")
    subscribe = client.send(subscribe={"channel": ROOM})
    await gate.reached.wait()
    instance.application.join("ann", ROOM)
    gate.open()
    await until(lambda: client.answered(subscribe))
    assert client.reply(subscribe)["error"]["code"] == 105
    await until(lambda: client.pushes("subscribe", ROOM))


async def test_a_token_brings_subscriptions_of_its_own(instance: Instance, log: MemoryLog) -> None:
    live = Grant(has_log=False, recoverable=False, positioned=False)
    instance.application.carried["s7"] = {"open": Grant(data=b'"hi"'), "live": live, ROOM: Grant()}
    log.append("open")
    client = instance.client()
    subs = {"open": {"recover": True, "epoch": "e1"}, "live": {"recover": True}}
    reply = await client.call(connect={"token": token_of("ann", session="s7"), "subs": subs})
    told = reply["connect"]["subs"]
    assert set(told) == {"user:ann", "open", "live"}  # it does not bring the right to read
    assert (told["open"]["data"], told["open"]["recovered"]) == ("hi", True)
    assert told["live"] == {}
    instance.engine.announce(ephemeral("live", b"{}"))
    instance.application.post("open")
    await until(lambda: client.offsets("open") == [2])
    assert client.pushes("pub", "live") == [{"data": {}}]
    assert (await client.call(unsubscribe={"channel": "open"}))["unsubscribe"] == {}
    assert "open" in instance.hub.channels()


async def test_a_user_may_have_no_channel_of_their_own(instance: Instance) -> None:
    client = await instance.connected("nobody")
    assert instance.hub.channels() == []
    instance.application.join("nobody", ROOM)
    await idle()
    assert instance.hub.channels() == []
    assert "subscribe" in await client.call(subscribe={"channel": ROOM})
