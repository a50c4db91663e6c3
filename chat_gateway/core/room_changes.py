"""Making rooms, and changing what they are: name, topic, who posts, whether they are open at all.

Decisions only: what a change needs to know, and what it then does.
"""

from typing import Any

import msgspec

from chat_gateway.core import repeats
from chat_gateway.core.changes import Archive, Create, Refusal, Update
from chat_gateway.core.effects import Decision, Effects, OpenLog, Put, Repeats, Set, Stays, Value, Write
from chat_gateway.core.entries import Kind
from chat_gateway.core.facts import Facts, Question
from chat_gateway.core.ids import room_log, user_log
from chat_gateway.core.memberships import admission


def ask_create(change: Create) -> Question:
    return Question(
        room=change.room,
        author=change.author,
        client_id=change.client_id,
        logs=(room_log(change.room), user_log(change.author)),
        users=(change.author,),
        admission=True,
    )


def decide_create(change: Create, facts: Facts) -> Decision:
    """The first entry holds all that was asked for, so that a repeat is known after any later change of the room."""
    log, asked = room_log(change.room), {"role": "owner", "name": change.name, "kind": change.kind}
    asked |= {"topic": change.topic} if change.topic else {}
    content = _json(asked | ({"read_only": True} if change.read_only else {}))
    if facts.room is not None and not facts.author.joined:
        return Refusal.NO_SUCH_ROOM
    judged = repeats.judge(facts, log, Kind.MEMBER_JOINED, subject=change.author, content=content)
    if judged is not None:
        return judged
    if facts.repeats or facts.room is not None:
        return Refusal.CONFLICT
    if facts.author.rooms >= change.most_rooms:
        return Refusal.TOO_MANY_ROOMS
    made = Put(
        table="room",
        key={"id": change.room},
        values={
            "name": change.name,
            "kind": change.kind,
            "topic": change.topic,
            "read_only": change.read_only,
            "created_by": change.author,
            "members": 1,
        },
        filled={"created_at": "now"},
    )
    entry = Write(log=log, kind=Kind.MEMBER_JOINED, id=change.id, subject=change.author, content=content)
    return Effects((OpenLog(log=log), made, entry, *admission(change, "owner", counted=False)))


def decide_update(change: Update, facts: Facts) -> Decision:
    """The entry tells what changed, so a repeat is known by asking for no less than that."""
    room = facts.room
    if room is None or not facts.author.joined:
        return Refusal.NO_SUCH_ROOM
    asked = {"name": change.name, "topic": change.topic, "read_only": change.read_only}
    old = facts.repeat(room_log(change.room))
    if old is not None:
        is_same = old.kind == Kind.ROOM_UPDATED and msgspec.json.decode(old.content).items() <= asked.items()
        return Repeats() if is_same else Refusal.CONFLICT
    if room.kind == "direct":
        return Refusal.DIRECT_ROOM
    if facts.author.role == "member":
        return Refusal.NOT_ALLOWED
    stands: dict[str, Any] = {"name": room.name, "topic": room.topic, "read_only": room.read_only}
    changed: dict[str, Value] = {field: value for field, value in asked.items() if value not in (None, stands[field])}
    if not changed:
        return Stays()
    entry = Write(log=room_log(change.room), kind=Kind.ROOM_UPDATED, id=change.id, content=_json(changed))
    return Effects((entry, Set(table="room", key={"id": change.room}, values=changed)))


def decide_archive(change: Archive, facts: Facts) -> Decision:
    if facts.room is None or not (facts.author.joined or change.by_administrator):
        return Refusal.NO_SUCH_ROOM
    log, content = room_log(change.room), _json({"archived": change.archived})
    judged = repeats.judge(facts, log, Kind.ROOM_ARCHIVED, content=content)
    if judged is not None:
        return judged
    if facts.room.kind == "direct":
        return Refusal.DIRECT_ROOM
    if facts.author.role != "owner" and not change.by_administrator:
        return Refusal.NOT_ALLOWED
    if facts.room.archived == change.archived:
        return Stays()
    entry = Write(log=log, kind=Kind.ROOM_ARCHIVED, id=change.id, content=content)
    return Effects((entry, Set(table="room", key={"id": change.room}, values={"archived": change.archived})))


def _json(fields: dict[str, Any]) -> str:
    return msgspec.json.encode(fields).decode()
