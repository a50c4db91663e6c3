"""What tests of a conversation say again and again: a room with people in it, its log, a refusal, what somebody saw."""

import contextlib
from collections.abc import Iterator
from typing import Any

import pytest
import uuid_utils
from centrifuge import ReplyError

from tests.driver import PATIENCE_SECONDS, ChatUser
from tests.faults import eventually


async def whole_log(user: ChatUser, room: str) -> list[dict[str, Any]]:
    """Page through a room from its beginning."""
    entries: list[dict[str, Any]] = []
    while True:
        after = entries[-1]["offset"] if entries else 0
        page = await user.rpc("history.page", {"room": room, "after": after, "limit": 200})
        entries += page["entries"]
        if not page["entries"]:
            assert [entry["offset"] for entry in entries] == list(range(1, page["head"] + 1)), "the log has no gap"
            return entries


async def new_room(owner: ChatUser, *members: ChatUser, **fields: Any) -> str:
    """Make a room; into a private one the members come by an invitation."""
    made = await owner.rpc("room.create", {"name": f"Room {uuid_utils.uuid4()}", **fields})
    room: str = made["room"]["id"]
    door = {"room": room}
    if fields.get("kind") == "private" and members:
        door = {"invite": (await owner.rpc("room.invite", {"room": room}))["invite"]}
    for member in members:
        await member.rpc("room.join", door)
    for user in (owner, *members):
        await user.is_in(f"room:{room}")
    return room


async def room_of(user: ChatUser, room: str) -> dict[str, Any]:
    """The room as this person sees it."""
    view: dict[str, Any] = (await user.rpc("room.get", {"room": room}))["room"]
    return view


async def page_of(user: ChatUser, room: str, **request: Any) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = (await user.rpc("history.page", {"room": room, **request}))["entries"]
    return entries


@contextlib.contextmanager
def refused(code: str) -> Iterator[None]:
    with pytest.raises(ReplyError, match=code):
        yield


async def sees_offset(user: ChatUser, room: str, offset: int) -> None:
    await eventually(lambda: offset in user.offsets(room), seconds=PATIENCE_SECONDS)


async def all_saw(room: str, *users: ChatUser, since: int = 0) -> list[dict[str, Any]]:
    """Wait until each has seen the log above `since` to its end, in order and whole; answer what they saw."""
    log = [entry for entry in await whole_log(users[0], room) if entry["offset"] > since]
    wanted = [(entry["offset"], entry["id"], entry["type"]) for entry in log]
    for user in users:
        await sees_offset(user, room, log[-1]["offset"])
        seen = [entry for entry in user.entries[f"room:{room}"] if entry["offset"] > since]
        assert [(entry["offset"], entry["id"], entry["type"]) for entry in seen] == wanted
    return [entry for entry in users[0].entries[f"room:{room}"] if entry["offset"] > since]
