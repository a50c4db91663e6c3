"""A private room one is not in must not be told from one that is not there, by anything in any answer."""

import asyncio
from collections.abc import Awaitable
from typing import Any

import msgspec
import pytest
import uuid_utils

from chat_gateway.actions import directs, memberships
from chat_gateway.api.verbs import VERBS
from chat_gateway.core.chat import Chat
from chat_gateway.core.ids import UserId
from shared.errors import AppError
from tests.integration.chat_gateway.actions.scene import ADA, BOB, CY, DAN, create, known

MISSING = "01900000-0000-7000-8000-00000000dead"
OWN = str(uuid_utils.uuid7())

WHOM: list[dict[str, Any]] = [{"user": user} for user in (ADA, BOB, DAN, "nobody")]

ABOUT_A_ROOM: dict[str, list[dict[str, Any]]] = {
    "room.get": [{}],
    "room.update": [{"name": "Mine"}, {"client_id": OWN}],
    "room.archive": [{}, {"archived": False}],
    "room.join": [{}, {"client_id": OWN}],
    "room.leave": [{}, {"client_id": OWN}],
    "room.invite": [{}, {"revoke": True}],
    "room.remove": WHOM,
    "room.ban": WHOM,
    "room.unban": WHOM,
    "room.set_role": [{**whom, "role": "owner"} for whom in WHOM],
    "room.members": [{}, {"status": "banned"}],
}
"""What else is asked beside the room."""

ABOUT_NO_ROOM = {"room.list", "room.create"}


def test_every_room_verb_is_compared() -> None:
    assert {verb for verb in VERBS if verb.startswith("room.")} == ABOUT_A_ROOM.keys() | ABOUT_NO_ROOM


async def answer(asked: Awaitable[bytes]) -> tuple[object, ...]:
    """All of an answer that a client can see, and its kind."""
    (got,) = await asyncio.gather(asked, return_exceptions=True)
    if isinstance(got, AppError):
        return type(got), got.code, got.message, got.details, got.retry_after
    assert isinstance(got, bytes), got
    return (got,)


async def foreign_rooms(chat: Chat) -> dict[str, str]:
    """Private rooms of which Bob knows the id, by what he is to them."""
    never, left, removed, banned, archived = [(await create(chat, ADA, kind="private")).id for _ in range(5)]
    for room in (left, removed, banned):
        await admit(chat, room, BOB)
    await memberships.leave(chat, BOB, memberships.LeaveRoom(room=left))
    await memberships.remove(chat, ADA, memberships.ThisMember(room=removed, user=BOB))
    await memberships.ban(chat, ADA, memberships.ThisMember(room=banned, user=BOB))
    await VERBS["room.archive"](chat, ADA, msgspec.json.encode({"room": archived}))
    direct = (await directs.open_direct(chat, ADA, directs.Open(users=[CY]))).room.id
    return {
        "never": never,
        "left": left,
        "removed": removed,
        "banned": banned,
        "archived": archived,
        "direct": direct,
    }


async def admit(chat: Chat, room: str, user: UserId) -> None:
    made = msgspec.json.decode(await VERBS["room.invite"](chat, ADA, msgspec.json.encode({"room": room})))
    await memberships.join(chat, user, memberships.JoinRoom(invite=made["invite"]))


@pytest.mark.parametrize("verb", sorted(ABOUT_A_ROOM))
async def test_a_foreign_private_room_and_a_missing_one_are_answered_alike(chat: Chat, verb: str) -> None:
    await known(chat, ADA, BOB, CY, DAN)
    # Bob has used the client_id for something else: that is no way to tell either.
    await create(chat, BOB, client_id=OWN)
    for stance, room in (await foreign_rooms(chat)).items():
        for more in ABOUT_A_ROOM[verb]:
            of_missing = await answer(VERBS[verb](chat, BOB, msgspec.json.encode({"room": MISSING, **more})))
            of_foreign = await answer(VERBS[verb](chat, BOB, msgspec.json.encode({"room": room, **more})))
            assert of_foreign == of_missing, stance
            assert of_missing[1] == "room_not_found"


async def test_behind_a_foreign_private_room_as_behind_a_missing_one_nothing_is_listed(chat: Chat) -> None:
    await known(chat, ADA, BOB, CY, DAN)
    for stance, room in (await foreign_rooms(chat)).items():
        answers = [
            await answer(VERBS["room.list"](chat, BOB, msgspec.json.encode({"scope": "public", "after": after})))
            for after in (room, MISSING)
        ]
        assert answers[0] == answers[1], stance
        assert answers[0][1] == "room_not_found"


async def test_an_ended_invitation_is_answered_as_one_that_never_was(chat: Chat) -> None:
    room = (await create(chat, ADA, kind="private")).id
    invite = VERBS["room.invite"]
    made = msgspec.json.decode(await invite(chat, ADA, msgspec.json.encode({"room": room, "uses": 1})))
    await memberships.join(chat, CY, memberships.JoinRoom(invite=made["invite"]))
    join = VERBS["room.join"]
    of_ended = await answer(join(chat, BOB, msgspec.json.encode({"invite": made["invite"]})))
    of_nothing = await answer(join(chat, BOB, msgspec.json.encode({"invite": "never"})))
    assert of_ended == of_nothing
    assert of_ended[1] == "room_not_found"


async def test_no_list_shows_a_foreign_private_room(chat: Chat) -> None:
    await known(chat, ADA, BOB, CY)
    rooms = set((await foreign_rooms(chat)).values())
    for scope in ("mine", "public"):
        listed = msgspec.json.decode(await VERBS["room.list"](chat, BOB, msgspec.json.encode({"scope": scope})))
        assert not rooms & {room["id"] for room in listed["rooms"]}
