"""What becomes of the rooms of a deleted account: it leaves them, and no room loses its last owner silently.

Direct rooms it stays in: who they are with is all that names them, and the others keep their history and their list.
Both changes may be made any number of times, by any number of gateways: what is done already stays.
"""

import msgspec

from chat_gateway.core.changes import Depart, Inherit, Refusal
from chat_gateway.core.effects import Decision, Effects, Set, Stays, Write
from chat_gateway.core.entries import Kind
from chat_gateway.core.facts import Facts, Question
from chat_gateway.core.ids import UserId, room_log, user_log
from chat_gateway.core.memberships import parting


def ask(change: Inherit | Depart) -> Question:
    return Question(
        room=change.room,
        author=change.author,
        client_id=change.client_id,
        logs=(room_log(change.room), user_log(change.author)),
        users=(change.author,),
        departure=True,
        heir=True,
    )


def decide_inherit(change: Inherit, facts: Facts) -> Decision:
    """Hand the room over, in an entry of its own: a change writes one to a log."""
    heir = _needed_heir(facts)
    if heir is None:
        return Stays()
    owner = msgspec.json.encode({"role": "owner"}).decode()
    told = Write(log=room_log(change.room), kind=Kind.MEMBER_ROLE, id=change.id, subject=heir, content=owner)
    given = Set(table="member", key={"room_id": change.room, "user_id": heir}, values={"role": "owner"})
    return Effects((told, given))


def decide_depart(change: Depart, facts: Facts) -> Decision:
    """Leave like anybody else. An heir that went since the room was handed over is refused: there may be another."""
    if not _is_inside(facts):
        return Stays()
    if _needed_heir(facts) is not None:
        return Refusal.LAST_OWNER
    return parting(change, Kind.MEMBER_LEFT, change.author, "left", Kind.ROOM_LEFT)


def _is_inside(facts: Facts) -> bool:
    return facts.room is not None and facts.room.kind != "direct" and facts.author.joined


def _needed_heir(facts: Facts) -> UserId | None:
    is_only_owner = facts.author.role == "owner" and facts.others is not None and not facts.others.owners
    return facts.heir if _is_inside(facts) and is_only_owner else None
