"""Direct rooms: one for each set of two to ten people, who are in it from its first entry on and never leave."""

import uuid
from collections.abc import Collection

import msgspec

from chat_gateway.core.changes import OpenDirect, Refusal
from chat_gateway.core.effects import Decision, Effects, OpenLog, Put, Repeats, Stays, Write
from chat_gateway.core.entries import Kind
from chat_gateway.core.facts import Facts, Question
from chat_gateway.core.ids import RoomId, UserId, room_log, user_log
from chat_gateway.core.memberships import membership
from chat_gateway.core.notices import notice

MAX_OTHERS = 9

_DIRECTS = uuid.UUID("c1f6d2c4-6a5e-4d0b-9b53-3f0c1f6f3f7e")

OF_TWO = 2
"""People in a direct room in which a block ends the conversation."""


def direct_room(people: Collection[UserId]) -> RoomId:
    """Name the room of these people, in whatever order they are given."""
    return RoomId(str(uuid.uuid5(_DIRECTS, msgspec.json.encode(sorted(set(people))).decode())))


def ask_open(change: OpenDirect) -> Question:
    others = (user for user in change.people if user != change.author)
    return Question(
        room=change.room,
        author=change.author,
        client_id=change.client_id,
        logs=(room_log(change.room), *(user_log(user) for user in change.people)),
        users=(change.author, *others),
        admission=True,
    )


def decide_open(change: OpenDirect, facts: Facts) -> Decision:
    if facts.room is not None:
        return Repeats() if facts.repeat(room_log(change.room)) else Stays()
    if any(member.person != "enabled" for member in facts.members[1:]):
        return Refusal.NO_SUCH_PERSON
    if facts.blocked:
        return Refusal.NOT_REACHABLE
    if facts.repeats:
        return Refusal.CONFLICT
    if any(member.rooms >= change.most_rooms for member in facts.members):
        return Refusal.TOO_MANY_ROOMS
    return _opening(change)


def _opening(change: OpenDirect) -> Effects:
    log = room_log(change.room)
    content = msgspec.json.encode({"role": "member", "people": change.people}).decode()
    made = Put(
        table="room",
        key={"id": change.room},
        values={"name": "", "kind": "direct", "created_by": change.author, "members": len(change.people)},
        filled={"created_at": "now"},
    )
    entry = Write(log=log, kind=Kind.MEMBER_JOINED, id=change.id, subject=change.author, content=content)
    members = (membership(change, user, "member") for user in change.people)
    notices = (notice(change, user, Kind.ROOM_JOINED) for user in change.people)
    return Effects((OpenLog(log=log), made, entry, *members, *notices))
