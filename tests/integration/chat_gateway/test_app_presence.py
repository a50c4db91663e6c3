"""Two whole gateways: who is online, who types and who has read what, as clients of either hear it."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from redis.asyncio import Redis

from shared.events import DOORBELL
from tests.integration.chat_gateway.running import LOBBY, Peer, Running, running_gateway

LIVE = f"live:{LOBBY}"


@pytest.fixture
async def gateways(sqlite_url: str, valkey_url: str) -> AsyncIterator[tuple[Running, Running]]:
    async with (
        running_gateway(sqlite_url, valkey_url) as one,
        running_gateway(sqlite_url, valkey_url) as other,
    ):
        yield one, other


async def look(peer: Peer) -> Peer:
    reply = await peer.ask(subscribe={"channel": LIVE})
    assert reply["subscribe"] == {}, reply
    return peer


async def hears(peer: Peer, kind: str) -> dict[str, Any]:
    """The next of this kind on the live channel; whatever else comes first is passed over."""
    while True:
        message = peer.pushes.pop(0) if peer.pushes else await peer.hear()
        push = message.get("push", {})
        told = push.get("pub", {}).get("data", {})
        if push.get("channel") == LIVE and told.get("type") == kind:
            assert "offset" not in push["pub"]
            return dict(told)


async def is_told_online(peer: Peer, user: str) -> None:
    while user not in (await hears(peer, "presence.changed"))["online"]:
        pass


async def presence(peer: Peer, channel: str = f"room:{LOBBY}") -> dict[str, Any]:
    """Ask until it is known: just after the start it is not."""
    while True:
        reply = await peer.ask(presence={"channel": channel})
        if reply.get("error", {}).get("code") != 100:
            return reply


async def test_the_live_channel_is_for_who_is_on_the_rooms_own_channel(gateway: Running) -> None:
    peer = await gateway.open()
    await peer.ask(connect={"token": gateway.token(), "data": {"rooms": False}})
    refused = {"code": 103, "message": "permission_denied"}
    assert (await peer.ask(subscribe={"channel": LIVE}))["error"] == refused
    await peer.ask(subscribe={"channel": f"room:{LOBBY}"})
    await look(peer)
    await peer.ask(unsubscribe={"channel": f"room:{LOBBY}"})
    assert (await peer.ask(subscribe={"channel": LIVE}))["error"] == refused
    assert (await peer.ask(publish={"channel": LIVE, "data": {"type": "typing"}}))["error"][
        "message"
    ] == "room_not_found"


async def test_a_stranger_may_not_look_at_a_room_or_ask_who_is_there(gateway: Running) -> None:
    owner, stranger = await gateway.connect(), await gateway.connect()
    room = (await owner.rpc("room.create", name="Den", kind="private"))["rpc"]["data"]["room"]["id"]
    for channel in (f"live:{room}", "live:nowhere", "live:"):
        refused = await stranger.ask(subscribe={"channel": channel})
        assert refused["error"] == {"code": 103, "message": "permission_denied"}
    for channel in (f"room:{room}", f"live:{room}", "room:nowhere"):
        assert (await presence(stranger, channel))["error"]["message"] == "room_not_found"
    for method in ("typing", "receipts.get"):
        assert (await stranger.rpc(method, room=room))["error"]["message"] == "room_not_found"


async def test_who_is_online_is_known_across_gateways(gateways: tuple[Running, Running]) -> None:
    one, other = gateways
    pia = await look(await one.connect(sub="pia", name="Pia"))
    assert list((await presence(pia))["presence"]["presence"]) == ["pia"]
    ben = await look(await other.connect(sub="ben", name="Ben"))
    await is_told_online(pia, "ben")
    there = (await presence(ben))["presence"]["presence"]
    assert {user: info["user"] for user, info in there.items()} == {"pia": "pia", "ben": "ben"}
    stats = (await ben.ask(presence_stats={"channel": LIVE}))["presence_stats"]
    assert stats == {"num_clients": 2, "num_users": 2}


async def test_typing_and_reading_are_told_across_gateways(gateways: tuple[Running, Running]) -> None:
    one, other = gateways
    pia, ben = await look(await one.connect(sub="pia")), await look(await other.connect(sub="ben"))
    assert (await ben.rpc("typing", room=LOBBY))["rpc"]["data"] == {}
    assert await hears(pia, "typing") == {"type": "typing", "users": ["ben"]}
    assert await hears(ben, "typing") == {"type": "typing", "users": ["ben"]}
    offset = (await pia.rpc("message.post", room=LOBBY, body="Read this."))["rpc"]["data"]["offset"]
    await ben.rpc("marker.set", room=LOBBY, offset=offset)
    assert await hears(pia, "receipts") == {"type": "receipts", "markers": {"ben": offset}}
    markers = (await pia.rpc("receipts.get", room=LOBBY))["rpc"]["data"]
    assert markers == {"markers": {"pia": offset, "ben": offset}}


async def test_whoever_is_removed_hears_nothing_more_and_is_shown_no_more(gateways: tuple[Running, Running]) -> None:
    one, other = gateways
    owner = await one.connect(sub="pia")
    room = (await owner.rpc("room.create", name="Den"))["rpc"]["data"]["room"]["id"]
    live = f"live:{room}"
    ben = await other.connect(sub="ben")
    await ben.rpc("room.join", room=room)
    while True:  # his subscription follows the join
        if "subscribe" in await ben.ask(subscribe={"channel": live}):
            break
    await owner.ask(subscribe={"channel": live})
    await owner.rpc("room.remove", room=room, user="ben")
    ended: list[str] = []
    while len(ended) < 2:
        push = (ben.pushes.pop(0) if ben.pushes else await ben.hear()).get("push", {})
        ended += [push["channel"]] if "unsubscribe" in push else []
    assert sorted(ended) == [live, f"room:{room}"]
    assert (await ben.rpc("typing", room=room))["error"]["message"] == "room_not_found"
    assert (await presence(ben, f"room:{room}"))["error"]["message"] == "room_not_found"
    await owner.rpc("typing", room=room)
    assert list((await presence(owner, f"room:{room}"))["presence"]["presence"]) == ["pia"]
    await ben.rpc("room.list")  # a barrier
    assert not [push for push in ben.pushes if push.get("push", {}).get("channel") == live]


async def test_a_new_name_is_told_where_its_bearer_is_a_member(gateway: Running, valkey_url: str) -> None:
    pia = await look(await gateway.connect(sub="pia", name="Pia"))
    await presence(pia)
    gateway.auth.feed.user(1, "pia", "Pia Maria")
    async with Redis.from_url(valkey_url) as redis:
        await redis.publish(DOORBELL, b"")
    told = await hears(pia, "person.updated")
    assert told["user"] == {"id": "pia", "name": "Pia Maria", "picture": "", "disabled": False}
