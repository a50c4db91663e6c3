"""People on two gateways are in one room: one order, nothing lost, nothing twice, whatever dies in between."""

import asyncio

import pytest
import uuid_utils
from centrifuge import ReplyError

from tests.driver import ChatUser
from tests.e2e.conftest import Arrive
from tests.e2e.conversation import new_room, whole_log
from tests.stack import Stack


async def through_the_front_to(gateway: int, stack: Stack, arrive: Arrive) -> ChatUser:
    while stack.gateway_of((user := await arrive()).id) != gateway:
        pass
    return user


async def test_two_sdk_clients_on_different_gateways_exchange_messages(arrive: Arrive) -> None:
    first, second = await arrive(gateway=0), await arrive(gateway=1)
    assert {room["id"] for room in first.welcome["rooms"]} == {"lobby"}
    posted = await first.say("lobby", "Hello from the first gateway")
    seen = await second.sees("lobby", "Hello from the first gateway")
    assert (seen["id"], seen["offset"], seen["at"]) == (posted["id"], posted["offset"], posted["at"])
    assert seen["author"] == first.id
    await second.say("lobby", "and from the second")
    await first.sees("lobby", "and from the second")


async def test_everybody_sees_one_order_without_gaps_when_both_gateways_post_at_once(arrive: Arrive) -> None:
    first, second = await arrive(gateway=0), await arrive(gateway=1)
    room = await new_room(first, second)
    await asyncio.gather(*(user.say(room, f"{user.name} {n}") for n in range(40) for user in (first, second)))
    for user in (first, second):
        for n in range(40):
            await user.sees(room, f"{first.name} {n}")
            await user.sees(room, f"{second.name} {n}")
        offsets = [entry["offset"] for entry in user.messages(room)]
        assert offsets == sorted(set(offsets)), "delivered in order, each once"
    assert [m["id"] for m in first.messages(room)] == [m["id"] for m in second.messages(room)]
    log = await whole_log(first, room)
    assert [m["id"] for m in first.messages(room)] == [e["id"] for e in log if e["type"] == "message.posted"]


async def test_awaited_sends_of_one_connection_keep_their_order(arrive: Arrive) -> None:
    user = await arrive()
    room = await new_room(user)
    posted = await asyncio.gather(*(user.say(room, f"number {n}") for n in range(60)))
    assert [post["offset"] for post in posted] == sorted(post["offset"] for post in posted)


async def test_a_racing_repeat_on_another_gateway_answers_the_first_result_and_is_seen_once(
    stack: Stack, arrive: Arrive
) -> None:
    first = await arrive(gateway=0)
    room = await new_room(first)
    other_device = first.second_device()
    try:
        await other_device.connect(stack.gateway(1))
        same = ""
        for n in range(20):
            same = str(uuid_utils.uuid7())
            answers = await asyncio.gather(
                first.say(room, f"text {n}", same),
                other_device.say(room, f"text {n}", same),
                first.say(room, f"next {n}"),
            )
            assert answers[0] == answers[1]
        with pytest.raises(ReplyError, match="client_id_conflict"):
            await other_device.say(room, "another text", same)
        bodies = [e["content"]["body"] for e in await whole_log(first, room) if e["type"] == "message.posted"]
        assert sorted(bodies) == sorted([f"text {n}" for n in range(20)] + [f"next {n}" for n in range(20)])
    finally:
        await other_device.leave_page()


async def test_a_removed_member_on_another_gateway_gets_and_posts_nothing_afterwards(arrive: Arrive) -> None:
    owner, member = await arrive(gateway=0), await arrive(gateway=1)
    room = await new_room(owner, member)

    async def go_on_posting() -> None:
        for n in range(10_000):
            await member.say(room, f"still here {n}")

    posting = asyncio.create_task(go_on_posting())
    await owner.sees(room, "still here 5")
    await owner.rpc("room.remove", {"room": room, "user": member.id})
    with pytest.raises(ReplyError, match="room_not_found"):
        await posting
    await owner.say(room, "now we are alone")
    await member.is_out_of(f"room:{room}")
    await member.barrier()

    log = await whole_log(owner, room)
    removed_at = next(entry["offset"] for entry in log if entry["type"] == "member.removed")
    assert all(entry["author"] != member.id for entry in log if entry["offset"] > removed_at)
    assert max(member.offsets(room)) <= removed_at
    with pytest.raises(ReplyError, match="room_not_found"):
        await member.rpc("history.page", {"room": room})
    assert room not in {one["id"] for one in (await member.rpc("room.list"))["rooms"]}


async def test_a_client_of_a_killed_gateway_goes_to_the_other_and_recovers_what_it_missed(
    stack: Stack, arrive: Arrive
) -> None:
    watcher, other = await through_the_front_to(0, stack, arrive), await arrive(gateway=1)
    room = await new_room(other, watcher)
    await other.say(room, "before")
    await watcher.sees(room, "before")

    stack.kill_gateway(0)
    try:
        for n in range(30):
            await other.say(room, f"while away {n}")
        await watcher.is_connected_times(2)
        assert stack.gateway_of(watcher.id) == 1
        await watcher.sees(room, "while away 29")
        assert watcher.recovered[f"room:{room}"]
        await other.say(room, "after")
        await watcher.sees(room, "after")
        assert [m["content"]["body"] for m in watcher.messages(room)] == [
            "before",
            *(f"while away {n}" for n in range(30)),
            "after",
        ]
    finally:
        stack.start_gateway(0)
        stack.wait_for_gateway(0)


async def test_a_stopping_gateway_sends_its_clients_away_and_none_misses_anything(stack: Stack, arrive: Arrive) -> None:
    watcher, other = await through_the_front_to(0, stack, arrive), await arrive(gateway=1)
    room = await new_room(other, watcher)
    stack.stop_gateway(0)
    try:
        await other.say(room, "during the roll")
        await watcher.sees(room, "during the roll")
        await watcher.is_connected_times(2)
    finally:
        stack.start_gateway(0)
        stack.wait_for_gateway(0)


async def test_without_redis_sends_are_acked_and_reach_the_other_gateway_all_the_same(
    stack: Stack, arrive: Arrive
) -> None:
    first, second = await arrive(gateway=0), await arrive(gateway=1)
    room = await new_room(first, second)
    stack.kill_valkey()
    try:
        await first.say(room, "no doorbell")
        await second.sees(room, "no doorbell")
        third = await arrive(gateway=1)
        await third.rpc("room.join", {"room": room})
    finally:
        stack.start_valkey()
    await second.say(room, "the doorbell is back")
    await first.sees(room, "the doorbell is back")


async def test_logging_out_closes_the_sockets_of_that_session_on_every_gateway(arrive: Arrive) -> None:
    user, other = await arrive(gateway=0), await arrive(gateway=1)
    await user.log_out()
    code, _ = await user.is_disconnected()
    assert code == 3503
    await other.barrier()


async def test_markers_move_forward_and_reach_the_other_device(stack: Stack, arrive: Arrive) -> None:
    user, other = await arrive(gateway=0), await arrive(gateway=1)
    room = await new_room(other, user)
    device = user.second_device()
    try:
        await device.connect(stack.gateway(1))
        offset = [await other.say(room, f"unread {n}") for n in range(3)][-1]["offset"]
        assert (await user.rpc("room.get", {"room": room}))["room"]["unread"] == 3
        assert await user.rpc("marker.set", {"room": room, "offset": offset}) == {"offset": offset}
        moved = await device.hears("marker.moved")
        assert moved["content"] == {"room": room, "offset": offset, "posts": 3}
        assert await user.rpc("marker.set", {"room": room, "offset": 1}) == {"offset": offset}
        assert (await device.rpc("room.get", {"room": room}))["room"]["unread"] == 0
    finally:
        await device.leave_page()
