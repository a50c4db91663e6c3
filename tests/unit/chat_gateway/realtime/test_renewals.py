"""Tokens that keep connections and subscriptions alive, and tokens that end them."""

import pytest

from chat_gateway.realtime.limits import Limits
from chat_gateway.realtime.ports import Grant
from shared.errors import Unavailable
from tests.builders import NOW
from tests.clients import Client, Instance, idle, token_of, until
from tests.fakes import OpenChannels

SOON, LATER = str(int(NOW) + 100), str(int(NOW) + 1_000)


async def subscribed(instance: Instance, token: str = SOON) -> Client:
    client = await instance.client().connect(token=token_of("ann", expires_at=0))
    assert "subscribe" in await client.call(subscribe={"channel": "open", "token": token})
    return client


@pytest.fixture
def unhurried() -> Limits:
    """No ping comes between the seconds that pass."""
    return Limits(ping_seconds=100_000)


async def test_a_connection_need_not_expire(application: OpenChannels, unhurried: Limits) -> None:
    async with Instance(application, limits=unhurried) as instance:
        client = instance.client()
        reply = await client.call(connect={"token": token_of("ann", expires_at=0)})
        assert "expires" not in reply["connect"]
        assert "ttl" not in reply["connect"]
        instance.pass_seconds(10_000)
        assert client.link.closed is None
        reply = await client.call(refresh={"token": token_of("ann", expires_at=0)})
        assert reply["refresh"] == {}


async def test_a_refresh_whose_token_brings_other_subscriptions_begins_again(instance: Instance) -> None:
    client = await instance.connected()
    instance.application.carried["s2"] = {"open": Grant()}
    client.send(refresh={"token": token_of("ann", session="s2")})
    await until(lambda: client.link.closed)
    assert client.link.closed == (3010, "insufficient state")


async def test_an_expiring_subscription_says_so(instance: Instance) -> None:
    client = await instance.connected()
    reply = await client.call(subscribe={"channel": "open", "token": SOON})
    assert (reply["subscribe"]["expires"], reply["subscribe"]["ttl"]) == (True, 100)


async def test_a_subscription_that_is_not_renewed_ends_25_seconds_after_its_expiry(
    application: OpenChannels, unhurried: Limits
) -> None:
    async with Instance(application, limits=unhurried) as instance:
        client = await subscribed(instance)
        instance.pass_seconds(124)
        await idle()
        assert client.pushes("unsubscribe", "open") == []
        instance.pass_seconds(2)
        await until(lambda: client.pushes("unsubscribe", "open"))
        assert client.pushes("unsubscribe", "open") == [{"code": 2501, "reason": "subscription expired"}]
        assert "open" not in instance.hub.channels()
        assert client.link.closed is None


async def test_a_renewed_subscription_lives_on(application: OpenChannels, unhurried: Limits) -> None:
    async with Instance(application, limits=unhurried) as instance:
        client = await subscribed(instance)
        reply = await client.call(sub_refresh={"channel": "open", "token": LATER})
        assert reply["sub_refresh"] == {"expires": True, "ttl": 1_000}
        instance.pass_seconds(1_024)
        await idle()
        assert client.pushes("unsubscribe", "open") == []
        instance.pass_seconds(2)
        await until(lambda: client.pushes("unsubscribe", "open"))


async def test_a_clock_set_back_only_moves_the_end_of_a_subscription(
    application: OpenChannels, unhurried: Limits
) -> None:
    async with Instance(application, limits=unhurried) as instance:
        client = await subscribed(instance)
        instance.clock.step(-300)
        instance.pass_seconds(126)
        await idle()
        assert client.pushes("unsubscribe", "open") == []
        instance.pass_seconds(301)
        await until(lambda: client.pushes("unsubscribe", "open"))


async def test_the_expiry_of_an_ended_subscription_does_not_end_the_next_one(
    application: OpenChannels, unhurried: Limits
) -> None:
    async with Instance(application, limits=unhurried) as instance:
        client = await subscribed(instance)
        await client.call(unsubscribe={"channel": "open"})
        await client.call(subscribe={"channel": "open"})
        instance.pass_seconds(200)
        await idle()
        assert client.pushes("unsubscribe", "open") == []


async def test_an_expired_server_side_subscription_ends_the_connection(
    application: OpenChannels, unhurried: Limits
) -> None:
    application.carried["s9"] = {"open": Grant(expires_at=int(NOW) + 100)}
    async with Instance(application, limits=unhurried) as instance:
        client = await instance.client().connect(token=token_of("ann", session="s9"))
        instance.pass_seconds(124)
        assert client.link.closed is None
        instance.pass_seconds(2)
        assert client.link.closed == (3006, "subscription expired")


@pytest.mark.parametrize(
    ("token", "end"), [("expired", (3006, "subscription expired")), ("forged", (3500, "invalid token"))]
)
async def test_a_token_that_renews_no_subscription_ends_the_connection(
    instance: Instance, token: str, end: tuple[int, str]
) -> None:
    client = await subscribed(instance)
    client.send(sub_refresh={"channel": "open", "token": token})
    await until(lambda: client.link.closed)
    assert client.link.closed == end


async def test_a_renewal_without_its_subscription_or_its_token_is_refused(instance: Instance) -> None:
    client = await subscribed(instance)
    reply = await client.call(sub_refresh={"channel": "other", "token": LATER})
    assert reply["error"] == {"code": 103, "message": "permission_denied"}
    reply = await client.call(sub_refresh={"channel": "open"})
    assert reply["error"] == {"code": 107, "message": "bad_request"}
    reply = await client.call(sub_refresh={"channel": "user:ann", "token": LATER})
    assert reply["error"] == {"code": 108, "message": "not_available"}
    assert client.link.closed is None


@pytest.mark.parametrize(("token", "code"), [("expired", 109), ("forged", 103)])
async def test_a_bad_token_of_a_new_subscription_refuses_it_and_nothing_else(
    instance: Instance, token: str, code: int
) -> None:
    client = await instance.connected()
    reply = await client.call(subscribe={"channel": "open", "token": token})
    assert reply["error"]["code"] == code
    assert client.link.closed is None
    assert instance.hub.channels() == ["user:ann"]


async def test_a_renewal_that_cannot_be_judged_now_may_be_repeated(instance: Instance) -> None:
    client = await subscribed(instance)
    instance.application.failures["admit"] = Unavailable("unavailable", "Try again.")
    reply = await client.call(sub_refresh={"channel": "open", "token": LATER})
    assert reply["error"]["temporary"]
    assert "sub_refresh" in await client.call(sub_refresh={"channel": "open", "token": LATER})
