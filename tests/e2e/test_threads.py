"""Threads: replies beside the room's own talk, followed, counted and muted by each person on all gateways."""

from tests.e2e.conftest import Arrive
from tests.e2e.conversation import all_saw, new_room, refused, room_of


async def test_a_thread_counts_for_those_who_follow_it_and_not_in_the_room(arrive: Arrive) -> None:
    author, replier, bystander = await arrive(gateway=0), await arrive(gateway=1), await arrive(gateway=1)
    room = await new_room(author, replier, bystander)
    since = (await room_of(author, room))["head"]
    root = (await author.say(room, "Where shall we eat?"))["id"]
    about = {"room": room, "thread": root}
    replies = [await replier.rpc("message.post", {**about, "body": f"Place {n}"}) for n in range(3)]
    with refused("not_a_thread_root"):
        await replier.rpc("message.post", {"room": room, "thread": replies[0]["id"], "body": "deeper"})

    seen = await all_saw(room, author, replier, bystander, since=since)
    assert [(entry.get("thread"), entry.get("thread_posts")) for entry in seen] == [
        (None, None),
        (root, 1),
        (root, 2),
        (root, 3),
    ]
    assert [entry["posts"] for entry in seen] == [1, 1, 1, 1]

    for user, follows, unread in ((author, True, 3), (replier, True, 0), (bystander, False, 3)):
        page = await user.rpc("thread.page", about)
        assert [entry["id"] for entry in page["entries"]] == [reply["id"] for reply in replies]
        assert (page["root"]["id"], page["posts"], page["follows"]) == (root, 3, follows)
        assert page["unread"] == unread
    assert [(await room_of(user, room))["threads"] for user in (author, replier, bystander)] == [1, 0, 0]


async def test_a_person_follows_mutes_and_reads_a_thread_on_all_devices(arrive: Arrive) -> None:
    author, reader = await arrive(gateway=0), await arrive(gateway=1)
    room = await new_room(author, reader)
    root = (await author.say(room, "To be read"))["id"]
    about = {"room": room, "thread": root}
    await reader.rpc("thread.follow", {**about, "follow": True})
    followed = await reader.hears("thread.followed")
    assert followed["content"] == {"room": room, "thread": root, "follows": True, "muted": False}
    last = [await author.rpc("message.post", {**about, "body": f"reply {n}"}) for n in range(2)][-1]
    assert (await room_of(reader, room))["threads"] == 1

    await reader.rpc("thread.mute", {**about, "muted": True})
    assert (await room_of(reader, room))["threads"] == 0
    await reader.rpc("thread.mute", {**about, "muted": False})
    assert (await room_of(reader, room))["threads"] == 1

    assert await reader.rpc("marker.set", {**about, "offset": last["offset"]}) == {"offset": last["offset"]}
    moved = await reader.hears("marker.moved")
    assert (moved["content"]["thread"], moved["content"]["offset"]) == (root, last["offset"])
    assert (await room_of(reader, room))["threads"] == 0
    assert (await reader.rpc("thread.page", about))["unread"] == 0

    await reader.rpc("thread.follow", {**about, "follow": False})
    await author.rpc("message.post", {**about, "body": "reply to nobody"})
    assert (await room_of(reader, room))["threads"] == 0


async def test_a_thread_is_paged_in_both_directions(arrive: Arrive) -> None:
    author, reader = await arrive(gateway=0), await arrive(gateway=1)
    room = await new_room(author, reader)
    root = (await author.say(room, "root"))["id"]
    about = {"room": room, "thread": root}
    replies = []
    for n in range(5):
        replies.append((await author.rpc("message.post", {**about, "body": f"reply {n}"}))["offset"])
        await reader.say(room, f"between {n}")

    async def offsets(**where: int) -> list[int]:
        page = await reader.rpc("thread.page", {**about, "limit": 2, **where})
        return [entry["offset"] for entry in page["entries"]]

    assert await offsets() == replies[3:]
    assert await offsets(before=replies[3]) == replies[1:3]
    assert await offsets(before=replies[1]) == replies[:1]
    assert await offsets(after=0) == replies[:2]
    assert await offsets(after=replies[3]) == replies[4:]
