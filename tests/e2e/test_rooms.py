"""Rooms of every kind: what is done to them on one gateway is so on the other, and told there in order."""

from tests.e2e.conftest import Arrive
from tests.e2e.conversation import all_saw, new_room, page_of, refused, room_of


async def test_what_is_changed_about_a_room_holds_on_the_other_gateway(arrive: Arrive) -> None:
    owner, member = await arrive(gateway=0), await arrive(gateway=1)
    room = await new_room(owner, member)
    since = (await room_of(owner, room))["head"]
    await owner.rpc("room.update", {"room": room, "name": "Harbour", "topic": "Ships and weather"})
    await owner.rpc("room.update", {"room": room, "read_only": True})
    with refused("read_only"):
        await member.say(room, "May I?")
    await owner.say(room, "Only I speak.")
    await owner.rpc("room.set_role", {"room": room, "user": member.id, "role": "admin"})
    await member.say(room, "Now I do as well.")
    await member.rpc("room.update", {"room": room, "topic": "Weather only"})
    with refused("not_allowed"):
        await member.rpc("room.archive", {"room": room})
    await owner.rpc("room.archive", {"room": room})
    for user in (owner, member):
        with refused("room_archived"):
            await user.say(room, "Too late.")
    assert len(await page_of(member, room)) > 5
    await owner.rpc("room.archive", {"room": room, "archived": False})
    await member.say(room, "Open again.")

    told = [
        (entry["type"], entry["author"], entry["content"]) for entry in await all_saw(room, owner, member, since=since)
    ]
    assert told == [
        ("room.updated", owner.id, {"name": "Harbour", "topic": "Ships and weather"}),
        ("room.updated", owner.id, {"read_only": True}),
        ("message.posted", owner.id, {"body": "Only I speak."}),
        ("member.role", owner.id, {"role": "admin"}),
        ("message.posted", member.id, {"body": "Now I do as well."}),
        ("room.updated", member.id, {"topic": "Weather only"}),
        ("room.archived", owner.id, {"archived": True}),
        ("room.archived", owner.id, {"archived": False}),
        ("message.posted", member.id, {"body": "Open again."}),
    ]
    seen = await room_of(member, room)
    assert (seen["name"], seen["topic"], seen["role"], seen["members"]) == ("Harbour", "Weather only", "admin", 2)
    assert (seen["read_only"], seen["archived"]) == (True, False)


async def test_a_public_room_is_listed_for_everybody_and_joined_from_the_list(arrive: Arrive) -> None:
    owner, stranger = await arrive(gateway=0), await arrive(gateway=1)
    room = await new_room(owner)
    listed = {one["id"]: one for one in (await stranger.rpc("room.list", {"scope": "public"}))["rooms"]}
    assert listed[room]["role"] is None
    assert room not in {one["id"] for one in (await stranger.rpc("room.list"))["rooms"]}
    await stranger.rpc("room.join", {"room": room})
    await stranger.is_in(f"room:{room}")
    assert (await stranger.hears("room.joined"))["content"]["room"]
    await owner.say(room, "Welcome.")
    await stranger.sees(room, "Welcome.")
    await stranger.rpc("room.leave", {"room": room})
    await stranger.is_out_of(f"room:{room}")
    assert [entry["type"] for entry in await all_saw(room, owner, since=1)] == [
        "member.joined",
        "message.posted",
        "member.left",
    ]


async def test_an_invitation_lets_into_a_private_room_as_often_as_it_says(arrive: Arrive) -> None:
    owner, guest, late = await arrive(gateway=0), await arrive(gateway=1), await arrive(gateway=1)
    room = await new_room(owner, kind="private")
    assert room not in {one["id"] for one in (await guest.rpc("room.list", {"scope": "public"}))["rooms"]}
    with refused("room_not_found"):
        await guest.rpc("room.join", {"room": room})
    invite = (await owner.rpc("room.invite", {"room": room, "uses": 1}))["invite"]
    assert (await guest.rpc("room.join", {"invite": invite}))["room"]["id"] == room
    await guest.is_in(f"room:{room}")
    with refused("room_not_found"):
        await late.rpc("room.join", {"invite": invite})
    with refused("not_allowed"):
        await guest.rpc("room.invite", {"room": room})
    second = (await owner.rpc("room.invite", {"room": room}))["invite"]
    await owner.rpc("room.invite", {"room": room, "revoke": True})
    with refused("room_not_found"):
        await late.rpc("room.join", {"invite": second})
    assert {one["user"] for one in (await guest.rpc("room.members", {"room": room}))["members"]} == {owner.id, guest.id}


async def test_a_ban_keeps_out_on_both_gateways_until_it_is_lifted(arrive: Arrive) -> None:
    owner, member, outsider = await arrive(gateway=0), await arrive(gateway=1), await arrive(gateway=1)
    room = await new_room(owner, member)
    since = (await room_of(owner, room))["head"]
    for user in (member, outsider):
        await owner.rpc("room.ban", {"room": room, "user": user.id})
    await member.is_out_of(f"room:{room}")
    assert (await member.hears("room.removed"))["content"]["room"] == room
    for user in (member, outsider):
        with refused("banned"):
            await user.rpc("room.join", {"room": room})
    banned = await owner.rpc("room.members", {"room": room, "status": "banned"})
    assert {one["user"] for one in banned["members"]} == {member.id, outsider.id}
    await owner.say(room, "Unheard.")

    await owner.rpc("room.unban", {"room": room, "user": member.id})
    await member.rpc("room.join", {"room": room})
    await member.is_in(f"room:{room}")
    await owner.say(room, "Heard.")
    await member.sees(room, "Heard.")
    assert "Unheard." in {entry["content"].get("body") for entry in await page_of(member, room)}
    told = [(entry["type"], entry.get("subject")) for entry in await all_saw(room, owner, since=since)]
    assert told == [
        ("member.banned", member.id),
        ("member.banned", outsider.id),
        ("message.posted", None),
        ("member.unbanned", member.id),
        ("member.joined", member.id),
        ("message.posted", None),
    ]


async def test_an_admin_rules_over_members_only_and_the_last_owner_stays(arrive: Arrive) -> None:
    owner, admin, member = await arrive(gateway=0), await arrive(gateway=1), await arrive(gateway=0)
    room = await new_room(owner, admin, member)
    with refused("last_owner"):
        await owner.rpc("room.leave", {"room": room})
    with refused("not_allowed"):
        await admin.rpc("room.remove", {"room": room, "user": member.id})
    await owner.rpc("room.set_role", {"room": room, "user": admin.id, "role": "admin"})
    for verb, request in (
        ("room.remove", {"user": owner.id}),
        ("room.ban", {"user": owner.id}),
        ("room.set_role", {"user": member.id, "role": "admin"}),
    ):
        with refused("not_allowed"):
            await admin.rpc(verb, {"room": room, **request})
    await admin.rpc("room.remove", {"room": room, "user": member.id})
    await member.is_out_of(f"room:{room}")
    await owner.rpc("room.set_role", {"room": room, "user": admin.id, "role": "owner"})
    await owner.rpc("room.leave", {"room": room})
    await owner.is_out_of(f"room:{room}")
    assert (await room_of(admin, room))["role"] == "owner"
