"""Tokens and permissions as the reference server has them, where the SDK's suite does not look."""

from collections.abc import Iterator

import aiohttp
import pytest

from tests.conformance.instances import running
from tests.conformance.talk import connected, in_seconds, talking, token

PERSONAL = "#42"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running(tmp_path_factory.mktemp("server") / "log") as address:
        yield address


@pytest.fixture(scope="module")
def insecure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running(tmp_path_factory.mktemp("insecure") / "log", "--insecure") as address:
        yield address


async def test_without_a_token_one_is_let_in_only_where_that_was_asked_for(server: str, insecure: str) -> None:
    async with talking(server) as talker:
        assert (await talker.call(connect={}))["code"] == 101
    async with talking(insecure) as talker:
        assert "subs" not in await talker.call(connect={})
        assert "epoch" in await talker.call(subscribe={"channel": "anything"})
        assert await talker.call(presence_stats={"channel": "anything"}) == {"num_clients": 1, "num_users": 1}


async def test_an_expired_token_asks_for_another_and_a_forged_one_ends_it(server: str) -> None:
    async with talking(server) as talker:
        assert (await talker.call(connect={"token": token(exp=in_seconds(-60))}))["code"] == 109
    for forged in ("nonsense", token(channel="a"), token()[:-4] + "AAAA"):
        async with talking(server) as talker:
            await talker._socket.send_json({"id": 1, "connect": {"token": forged}})
            assert await talker.closed() == (3500, "invalid token")


async def test_a_token_shows_others_its_info_and_brings_subscriptions(server: str) -> None:
    async with talking(server) as talker:
        subs = {"extra": {"info": {"seat": 1}, "data": {"hello": 1}}}
        reply = await talker.call(connect={"token": token(info={"name": "ann"}, subs=subs, exp=in_seconds(60))})
        assert set(reply["subs"]) == {PERSONAL, "extra"}
        assert reply["subs"]["extra"]["data"] == {"hello": 1}
        assert (reply["expires"], 50 < reply["ttl"] <= 60) == (True, True)
        join = await talker.push("join", "extra")
        assert join["info"] == {
            "user": "42", "client": reply["client"], "conn_info": {"name": "ann"}, "chan_info": {"seat": 1}
        }  # fmt: skip


async def test_a_subscription_token_of_somebody_else_ends_the_connection(server: str) -> None:
    for foreign in (token("43", channel="a"), token(channel="b"), token(channel="a", client="another")):
        async with connected(server) as talker:
            await talker._socket.send_json({"id": 9, "subscribe": {"channel": "a", "token": foreign}})
            assert await talker.closed() == (3500, "invalid token")


async def test_a_subscription_expires_and_is_renewed(server: str) -> None:
    async with connected(server) as talker:
        reply = await talker.call(subscribe={"channel": "a", "token": token(channel="a", exp=in_seconds(-1))})
        assert reply["code"] == 109
        reply = await talker.call(subscribe={"channel": "a", "token": token(channel="a", exp=in_seconds(60))})
        assert reply["expires"]
        reply = await talker.call(sub_refresh={"channel": "a", "token": token(channel="a", expire_at=in_seconds(90))})
        assert 80 < reply["ttl"] <= 90
        await talker._socket.send_json(
            {"id": 9, "sub_refresh": {"channel": "a", "token": token(channel="a", exp=in_seconds(-1))}}
        )
        assert await talker.closed() == (3006, "subscription expired")


@pytest.mark.parametrize(
    ("channel", "code"),
    [("nowhere:a", 102), ("$private", 103), ("talk#41,43", 103), ("", 107), ("ä", 107), ("x" * 256, 102)],
)
async def test_channels_one_may_not_subscribe_to(server: str, channel: str, code: int) -> None:
    async with connected(server) as talker:
        assert (await talker.call(subscribe={"channel": channel}))["code"] == code


async def test_private_channels_are_open_with_a_token_and_listed_ones_to_those_listed(server: str) -> None:
    async with connected(server) as talker:
        assert "epoch" in await talker.call(subscribe={"channel": "$p", "token": token(channel="$p")})
        assert "epoch" in await talker.call(subscribe={"channel": "talk#42,43"})


async def test_there_are_no_methods_and_no_messages_here(server: str) -> None:
    async with connected(server) as talker:
        assert (await talker.call(rpc={"method": "any", "data": {}}))["code"] == 108
        await talker._socket.send_json({"send": {"data": {}}})
        assert await talker.closed() == (3508, "not available")


async def test_the_api_publishes_and_reads_with_its_key_only(server: str) -> None:
    wish = {"channel": "api", "data": {"n": 1}}
    async with aiohttp.ClientSession(f"http://{server}") as http, connected(server) as talker:
        await talker.call(subscribe={"channel": "api"})
        assert (await http.post("/api/publish", json=wish)).status == 401
        key = {"X-API-Key": "test-api-key"}
        response = await http.post("/api/publish", json=wish, headers=key)
        assert await response.json() == {"result": {}}
        assert await talker.push("pub", "api") == {"data": {"n": 1}, "offset": 1}
        response = await http.post("/api/history", json={"channel": "api", "limit": 10}, headers=key)
        result = (await response.json())["result"]
        assert (result["publications"], result["offset"]) == ([{"data": {"n": 1}, "offset": 1}], 1)


async def test_history_keeps_no_more_than_its_namespace_says(server: str) -> None:
    async with connected(server) as talker:
        for number in range(4):
            assert await talker.call(publish={"channel": "smallhistory:a", "data": number}) == {}
        page = await talker.call(history={"channel": "smallhistory:a", "limit": -1})
        assert [one["offset"] for one in page["publications"]] == [3, 4]
        backwards = await talker.call(history={"channel": "smallhistory:a", "limit": 1, "reverse": True})
        assert [one["offset"] for one in backwards["publications"]] == [4]
        reply = await talker.call(subscribe={"channel": "smallhistory:a", "recover": True, "offset": 1})
        assert (reply["was_recovering"], "recovered" in reply, reply["offset"]) == (True, False, 4)
