"""How far a person has read a room: a marker that moves forward only, at most to the head of the log.

The decision alone; its entry is in the person's own log, where all their devices hear of it.
"""

import msgspec

from chat_gateway.core.changes import Refusal, SetMarker
from chat_gateway.core.effects import Decision, Effects, Repeats, Set, Stays, Write
from chat_gateway.core.entries import Kind
from chat_gateway.core.facts import EntryFact, Facts, Question
from chat_gateway.core.ids import user_log

_GREATEST = (1 << 63) - 1


class _Moved(msgspec.Struct):
    room: str
    offset: int


def ask_set_marker(change: SetMarker) -> Question:
    return Question(
        room=change.room,
        author=change.author,
        client_id=change.client_id,
        logs=(user_log(change.author),),
        users=(change.author,),
        offset=min(max(change.offset, 0), _GREATEST),
    )


def decide_set_marker(change: SetMarker, facts: Facts) -> Decision:
    marker = facts.marker
    if marker is None or not facts.author.joined:
        return Refusal.NO_SUCH_ROOM
    old = facts.repeat(user_log(change.author))
    if old is not None:
        return Repeats(marker.marker) if _is_same(change, old) else Refusal.CONFLICT
    if marker.offset <= marker.marker:
        return Stays(marker.marker)
    content = {"room": change.room, "offset": marker.offset, "posts": marker.posts}
    moved = Set(
        table="member",
        key={"room_id": change.room, "user_id": change.author},
        values={"marker": marker.offset, "marker_posts": marker.posts},
    )
    entry = Write(
        log=user_log(change.author),
        kind=Kind.MARKER_MOVED,
        id=change.id,
        content=msgspec.json.encode(content).decode(),
    )
    return Effects((entry, moved), marker.offset)


def _is_same(change: SetMarker, old: EntryFact) -> bool:
    if old.kind != Kind.MARKER_MOVED:
        return False
    moved = msgspec.json.decode(old.content, type=_Moved)
    return moved.room == change.room and moved.offset <= change.offset
