"""People among themselves: direct rooms, finding somebody, and not hearing from somebody."""

from tests.e2e.conftest import Arrive, Dial
from tests.e2e.conversation import page_of, refused
from tests.faults import eventually


async def test_the_same_people_have_one_direct_room_whoever_opens_it_and_where(arrive: Arrive) -> None:
    first, second, third = await arrive(gateway=0), await arrive(gateway=1), await arrive(gateway=1)
    opened = (await first.rpc("direct.open", {"users": [second.id, third.id]}))["room"]
    room = opened["id"]
    assert (opened["kind"], set(opened["people"])) == ("direct", {first.id, second.id, third.id})
    for user in (first, second, third):
        await user.is_in(f"room:{room}")
    again = (await third.rpc("direct.open", {"users": [first.id, second.id]}))["room"]
    assert again["id"] == room
    await first.say(room, "Among us three.")
    for user in (second, third):
        await user.sees(room, "Among us three.")
    assert (await first.rpc("direct.open", {"users": [second.id]}))["room"]["id"] != room

    outsider = await arrive(gateway=0)
    with refused("room_not_found"):
        await outsider.rpc("room.join", {"room": room})
    for verb, request in (
        ("room.leave", {}),
        ("room.invite", {}),
        ("room.update", {"name": "Ours"}),
        ("room.remove", {"user": second.id}),
        ("room.ban", {"user": second.id}),
        ("room.set_role", {"user": second.id, "role": "owner"}),
    ):
        with refused("direct_room"):
            await first.rpc(verb, {"room": room, **request})
    with refused("person_not_found"):
        await first.rpc("direct.open", {"users": ["nobody"]})


async def test_nothing_is_between_the_position_of_a_new_direct_room_and_what_is_delivered_there(
    arrive: Arrive, dial: Dial
) -> None:
    opener, other = await arrive(gateway=0), await arrive(gateway=1)
    wires = [await dial(opener, 1), await dial(other, 0), await dial(other, 1)]
    for _ in range(4):
        third = await arrive(gateway=0)
        room = (await opener.rpc("direct.open", {"users": [other.id, third.id]}))["room"]["id"]
        last = [await opener.say(room, f"at once {n}") for n in range(2)][-1]["offset"]
        for wire in wires:
            await eventually(lambda: wire.position_of(f"room:{room}") == last)  # noqa: B023 - awaited in this turn


async def test_a_block_ends_a_conversation_of_two_until_it_is_taken_back(arrive: Arrive) -> None:
    blocker, other = await arrive(gateway=0), await arrive(gateway=1)
    room = (await other.rpc("direct.open", {"users": [blocker.id]}))["room"]["id"]
    await blocker.is_in(f"room:{room}")
    await other.say(room, "Hello?")
    await blocker.sees(room, "Hello?")
    await blocker.rpc("people.block", {"user": other.id})
    with refused("not_reachable"):
        await other.say(room, "Hello??")
    assert [entry["content"].get("body") for entry in await page_of(blocker, room)][-1] == "Hello?"
    await blocker.rpc("people.unblock", {"user": other.id})
    await other.say(room, "Thank you.")
    await blocker.sees(room, "Thank you.")


async def test_whoever_was_blocked_before_cannot_open_a_conversation(arrive: Arrive) -> None:
    blocker, other = await arrive(gateway=0), await arrive(gateway=1)
    await blocker.rpc("people.block", {"user": other.id})
    with refused("not_reachable"):
        await other.rpc("direct.open", {"users": [blocker.id]})
    assert all(room["id"] == "lobby" for room in (await blocker.rpc("room.list"))["rooms"])


async def test_a_person_is_found_by_the_beginning_of_a_name_and_shown_without_an_address(arrive: Arrive) -> None:
    seeker, sought = await arrive(gateway=0), await arrive(gateway=1)
    [person] = (await seeker.rpc("people.search", {"query": sought.name.upper()}))["people"]
    assert person == {"id": sought.id, "name": sought.name, "picture": "", "disabled": False}
    assert (await seeker.rpc("people.get", {"users": [sought.id, "nobody"]}))["people"] == [person]
