"""What becomes of a message: each change is an entry of its own for who is there, and a state for who reads later."""

from typing import Any

from tests.driver import ChatUser
from tests.e2e.conftest import Arrive
from tests.e2e.conversation import all_saw, new_room, page_of, refused, room_of, whole_log


async def test_every_change_to_a_message_is_told_in_order_and_kept_as_its_state(arrive: Arrive) -> None:
    owner, member = await arrive(gateway=0), await arrive(gateway=1)
    room = await new_room(owner, member)
    since = (await room_of(owner, room))["head"]
    message = (await member.say(room, "Frist!"))["id"]
    about = {"room": room, "message": message}
    await member.rpc("message.edit", about | {"body": "First!"})
    with refused("not_your_message"):
        await owner.rpc("message.edit", about | {"body": "Mine!"})
    await owner.rpc("message.react", about | {"emoji": "👍"})
    await member.rpc("message.react", about | {"emoji": "👍"})
    await owner.rpc("message.react", about | {"emoji": ":tada:"})
    await owner.rpc("message.unreact", about | {"emoji": ":tada:"})
    with refused("not_allowed"):
        await member.rpc("message.pin", about)
    await owner.rpc("message.pin", about)
    answered = await owner.rpc("message.post", {"room": room, "body": "Indeed.", "reply_to": message})

    told = [(entry["type"], entry["author"]) for entry in await all_saw(room, owner, member, since=since)]
    assert told == [
        ("message.posted", member.id),
        ("message.edited", member.id),
        ("reaction.added", owner.id),
        ("reaction.added", member.id),
        ("reaction.added", owner.id),
        ("reaction.removed", owner.id),
        ("message.pinned", owner.id),
        ("message.posted", owner.id),
    ]
    for reader in (owner, member):
        entries = {entry["id"]: entry for entry in await page_of(reader, room)}
        state = entries[message]["state"]
        assert state["body"] == "First!"
        assert state["edited_at"]
        assert state["pinned_at"]
        assert state["reactions"] == [{"emoji": "👍", "users": [owner.id, member.id], "count": 2}]
        reply = entries[answered["id"]]["reply"]
        assert (reply["id"], reply["author"], reply["body"]) == (message, member.id, "First!")
        assert [entry["id"] for entry in await page_of(reader, room, pinned=True)] == [message]
        revisions = (await reader.rpc("message.revisions", about))["revisions"]
        assert [revision["body"] for revision in revisions] == ["Frist!"]
    await owner.rpc("message.unpin", about)
    assert await page_of(member, room, pinned=True) == []


async def test_a_message_is_deleted_by_its_author_or_an_owner_and_by_nobody_else(arrive: Arrive) -> None:
    owner, author, other = await arrive(gateway=0), await arrive(gateway=1), await arrive(gateway=1)
    room = await new_room(owner, author, other)
    since = (await room_of(owner, room))["head"]
    first, second = [(await author.say(room, f"Regrettable {n}"))["id"] for n in range(2)]
    answered = await other.rpc("message.post", {"room": room, "body": "What?", "reply_to": first})
    with refused("not_allowed"):
        await other.rpc("message.delete", {"room": room, "message": first})
    await author.rpc("message.delete", {"room": room, "message": first})
    await owner.rpc("message.delete", {"room": room, "message": second})
    told = [
        (entry["type"], entry["content"].get("message")) for entry in await all_saw(room, owner, author, since=since)
    ]
    assert told[-2:] == [("message.deleted", first), ("message.deleted", second)]
    with refused("message_not_found"):
        await author.rpc("message.react", {"room": room, "message": first, "emoji": "👍"})
    for reader in (owner, other):
        entries = {entry["id"]: entry for entry in await page_of(reader, room)}
        assert entries[first]["content"] == {"deleted": True}
        assert entries[answered["id"]]["reply"]["deleted"]
        assert "body" not in entries[answered["id"]]["reply"]


async def test_mentions_and_unread_counts_go_away_when_the_marker_passes_them(arrive: Arrive) -> None:
    author, reader = await arrive(gateway=0), await arrive(gateway=1)
    room = await new_room(author, reader)
    await author.say(room, "Nothing for anybody.")
    await author.say(room, f"Look here, <@{reader.id}>!")
    last = await author.say(room, "All of you, <@room>!")
    seen = await room_of(reader, room)
    assert (seen["unread"], seen["mentions"]) == (3, 2)
    assert (await room_of(author, room))["unread"] == 0
    await reader.rpc("marker.set", {"room": room, "offset": last["offset"]})
    seen = await room_of(reader, room)
    assert (seen["unread"], seen["mentions"], seen["marker"]) == (0, 0, last["offset"])


async def test_a_room_is_paged_in_both_directions_and_nothing_is_between_the_pages(arrive: Arrive) -> None:
    author, reader = await arrive(gateway=0), await arrive(gateway=1)
    room = await new_room(author, reader)
    for n in range(12):
        await author.say(room, f"line {n}")
    whole = [entry["id"] for entry in await whole_log(reader, room)]

    backward: list[dict[str, Any]] = await page_of(reader, room, limit=5)
    while page := await page_of(reader, room, limit=5, before=backward[0]["offset"]):
        backward = page + backward
    forward: list[dict[str, Any]] = await page_of(reader, room, limit=5, after=0)
    while page := await page_of(reader, room, limit=5, after=forward[-1]["offset"]):
        forward += page
    assert [entry["id"] for entry in backward] == [entry["id"] for entry in forward] == whole


async def test_what_is_said_on_one_gateway_is_found_on_the_other_by_members_only(arrive: Arrive) -> None:
    author, reader, outsider = await arrive(gateway=0), await arrive(gateway=1), await arrive(gateway=1)
    room = await new_room(author, reader, kind="private")
    word = f"w{author.id.replace('-', '')}"
    posted = [(await author.say(room, f"The {word} number {n} of 東京都"))["id"] for n in range(3)]

    while [hit["entry"]["id"] for hit in await found(reader, word)] != posted[::-1]:
        pass
    assert [hit["entry"]["id"] for hit in await found(reader, f"{word[:9]} 京都 in:{room}")] == posted[::-1]
    assert [hit["entry"]["id"] for hit in await found(reader, f'"number 1" from:{author.id} in:{room}')] == [posted[1]]
    assert await found(outsider, word) == []

    first = await reader.rpc("search.messages", {"query": word, "limit": 2})
    rest = await reader.rpc("search.messages", {"query": word, "limit": 2, "after": first["next"]})
    assert [hit["entry"]["id"] for hit in first["hits"] + rest["hits"]] == posted[::-1]
    await author.rpc("message.delete", {"room": room, "message": posted[0]})
    assert [hit["entry"]["id"] for hit in await found(reader, word)] == posted[:0:-1]


async def test_a_message_is_reported_once_by_each_and_the_room_is_not_told(arrive: Arrive) -> None:
    author, reader = await arrive(gateway=0), await arrive(gateway=1)
    room = await new_room(author, reader)
    about = {"room": room, "message": (await author.say(room, "Something bad."))["id"]}
    head = (await room_of(author, room))["head"]
    for _ in range(2):
        assert await reader.rpc("message.report", about | {"reason": "It is bad."}) == {}
    assert (await room_of(author, room))["head"] == head


async def found(reader: ChatUser, query: str) -> list[dict[str, Any]]:
    hits: list[dict[str, Any]] = (await reader.rpc("search.messages", {"query": query}))["hits"]
    return hits
