"""Two instances, a real Redis, and what can go wrong between them."""

import pytest
from redis.asyncio import Redis

from chat_gateway.bus.redis_presence import INSTANCES
from chat_gateway.presence.exchange import CHANNEL
from chat_gateway.realtime.publication import ephemeral
from shared.errors import Unavailable
from tests.faults import TcpProxy, eventually
from tests.integration.chat_gateway.presence.conftest import ROOM, RunPart, pause
from tests.integration.chat_gateway.presence.parts import QUICK_TIMES, Part


async def sees(part: Part, *users: str) -> None:
    """Wait until the part calls exactly these online."""
    there = part.presence._online
    await eventually(lambda: {one for one in ("ann", "bob", "cy") if one in there} == set(users))
    assert await part.online(ROOM) == sorted(users)


async def test_who_is_online_anywhere_is_online_everywhere(run_part: RunPart) -> None:
    one, other = await run_part("g1"), await run_part("g2")
    one.connect("ann")
    other.connect("bob")
    await sees(one, "ann", "bob")
    await sees(other, "ann", "bob")


async def test_an_instance_that_starts_later_reads_who_is_online(run_part: RunPart) -> None:
    one = await run_part("g1")
    one.connect("ann", "bob")
    await eventually(lambda: not one.presence._exchange._untold)
    await sees(await run_part("g2"), "ann", "bob")


async def test_a_user_is_offline_after_the_last_socket_anywhere(run_part: RunPart) -> None:
    one, other = await run_part("g1"), await run_part("g2")
    one.connect("ann", "bob")
    other.connect("bob")
    await sees(one, "ann", "bob")
    one.disconnect("bob")
    other.look(ROOM)
    await pause()
    one.disconnect("ann")
    await sees(other, "bob")
    other.disconnect("bob")
    await sees(one)


async def test_who_changes_the_instance_within_the_grace_was_never_away(run_part: RunPart) -> None:
    one, other = await run_part("g1"), await run_part("g2")
    one.connect("ann", "bob")
    await sees(other, "ann", "bob")
    for part in (one, other):
        part.look(ROOM)
        await part.online(ROOM)
    one.disconnect("bob")
    other.connect("bob")
    one.disconnect("ann")  # a barrier: she goes after him
    await eventually(lambda: "ann" in other.named("offline") and "ann" in one.named("offline"))
    assert "bob" not in one.named("offline") | other.named("offline")


async def test_an_instance_that_dies_is_gone_when_its_roll_runs_out(run_part: RunPart) -> None:
    one, other = await run_part("g1"), await run_part("g2")
    one.connect("ann")
    other.connect("bob")
    await sees(other, "ann", "bob")
    await one.kill()
    await pause()
    assert await other.online(ROOM) == ["ann", "bob"]
    await sees(other, "bob")


async def test_an_instance_that_says_goodbye_is_gone_after_the_grace(run_part: RunPart, redis: Redis) -> None:
    slow = QUICK_TIMES._replace(ttl=60.0)
    one, other = await run_part("g1", times=slow), await run_part("g2", times=slow)
    one.connect("ann")
    other.connect("bob")
    await sees(other, "ann", "bob")
    await one.stop()
    await sees(other, "bob")
    assert await redis.exists("parley:presence:g1") == 0


async def test_a_roll_that_is_refreshed_does_not_run_out(run_part: RunPart) -> None:
    one, other = await run_part("g1"), await run_part("g2")
    one.connect("ann")
    await sees(other, "ann")
    started = one.presence._monotonic()
    await eventually(lambda: one.presence._monotonic() > started + 2 * QUICK_TIMES.ttl)
    assert await other.online(ROOM) == ["ann"]


async def test_without_redis_nobody_knows_and_with_it_all_are_told_again(
    run_part: RunPart, proxy: TcpProxy, proxy_url: str
) -> None:
    one, other = await run_part("g1", redis=proxy_url), await run_part("g2")
    one.connect("ann")
    other.connect("bob")
    await sees(one, "ann", "bob")
    one.look(ROOM)
    await one.online(ROOM)
    proxy.cut()
    await eventually(lambda: one.says("presence.unknown"))
    with pytest.raises(Unavailable) as unknown:
        await one.online(ROOM)
    assert unknown.value.temporary
    one.connect("cy")  # nobody is told of him until there is somebody to tell
    await pause()
    assert one.named("offline") == set()
    told = len(one.told)
    proxy.heal()
    await eventually(lambda: {"ann", "bob", "cy"} <= {u for _, t in one.told[told:] for u in t.get("online", ())})
    await sees(other, "ann", "bob", "cy")
    assert len(one.says("presence.unknown")) == 1
    assert one.named("offline") == set()


async def test_a_link_that_swallows_everything_is_no_link(run_part: RunPart, proxy: TcpProxy, proxy_url: str) -> None:
    one = await run_part("g1", redis=proxy_url)
    proxy.half_open()
    await eventually(lambda: not one.is_known)
    proxy.heal()
    await eventually(lambda: one.is_known)


async def test_before_the_rolls_are_read_nobody_knows(run_part: RunPart, proxy: TcpProxy, proxy_url: str) -> None:
    one = await run_part("g1", redis=proxy_url)
    proxy.stall()
    one.presence.confirmed(["presence"])  # as after a link that came back before anybody saw it gone
    with pytest.raises(Unavailable):
        await one.online(ROOM)
    proxy.heal()
    await eventually(lambda: one.is_known)


async def test_changes_that_were_lost_are_read_again(run_part: RunPart, redis: Redis) -> None:
    one, other = await run_part("g1"), await run_part("g2")
    one.connect("ann")
    await sees(other, "ann")
    other.is_deaf = True
    one.connect("bob")
    await eventually(lambda: not one.presence._exchange._untold)
    other.is_deaf = False
    one.connect("cy")
    await sees(other, "ann", "bob", "cy")


async def test_an_emptied_redis_forgets_nobody(run_part: RunPart, redis: Redis) -> None:
    slow = QUICK_TIMES._replace(refresh=60.0, ttl=120.0)
    one, other = await run_part("g1", times=slow), await run_part("g2", times=slow)
    one.connect("ann")
    await sees(other, "ann")
    await redis.flushdb()
    one.connect("bob")
    await sees(other, "ann", "bob")
    await sees(await run_part("g3", times=slow), "ann", "bob")


async def test_a_redis_that_lost_all_rolls_while_it_was_away_makes_nobody_offline(
    run_part: RunPart, redis: Redis, proxy: TcpProxy, proxy_url: str
) -> None:
    slow = QUICK_TIMES._replace(refresh=60.0, ttl=120.0, grace=5.0)
    one, other = await run_part("g1", times=slow), await run_part("g2", redis=proxy_url, times=slow)
    one.connect("ann")
    other.look(ROOM)
    await sees(other, "ann")
    proxy.cut()
    await eventually(lambda: not other.is_known)
    await redis.flushdb()
    proxy.heal()
    await eventually(lambda: other.is_known)
    assert await other.online(ROOM) == ["ann"]
    one.connect("bob")  # what was lost is written again with the next change
    await sees(other, "ann", "bob")
    assert other.named("offline") == set()


async def test_what_is_no_change_is_passed_over(run_part: RunPart, redis: Redis) -> None:
    one = await run_part("g1")
    one.presence.received(ephemeral(CHANNEL, b"nonsense"))
    one.connect("ann")
    await sees(one, "ann")


async def test_rolls_that_cannot_be_read_leave_it_unknown(run_part: RunPart, redis: Redis) -> None:
    one = await run_part("g1")
    await eventually(lambda: not one.presence._exchange._incomplete)
    await redis.rename(INSTANCES, "aside")
    await redis.set(INSTANCES, "no set")
    one.presence.confirmed([CHANNEL])
    await eventually(lambda: one.presence._exchange._complained)
    with pytest.raises(Unavailable):
        await one.online(ROOM)
    await redis.rename("aside", INSTANCES)
    await eventually(lambda: one.is_known)


@pytest.mark.parametrize("notice_seconds", [0.0, 10.0])
async def test_a_goodbye_without_redis_is_left_unsaid(
    run_part: RunPart, proxy: TcpProxy, proxy_url: str, notice_seconds: float
) -> None:
    one = await run_part("g1", redis=proxy_url)
    proxy.cut()
    if notice_seconds:
        await eventually(lambda: not one.is_known, seconds=notice_seconds)
    await one.stop()
