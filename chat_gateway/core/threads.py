"""How a person stands to a thread: whether they follow it, whether it is muted, how far they have read it.

Decisions only; the entries are in the person's own log, where all their devices hear of it. A thread goes on when the
message it began with is deleted.
"""

from typing import TypeAlias

import msgspec

from chat_gateway.core import targets
from chat_gateway.core.changes import Follow, Mute, Refusal, SetThreadMarker
from chat_gateway.core.effects import Decision, Effects, Put, Repeats, Stays, Write
from chat_gateway.core.entries import Kind
from chat_gateway.core.facts import EntryFact, Facts, MarkerFact, MessageFact, Question, ThreadFact
from chat_gateway.core.ids import user_log

_GREATEST = (1 << 63) - 1
_NOBODY = ThreadFact(follows=False, muted=False, marker=0, marker_posts=0)

_Change: TypeAlias = Follow | Mute | SetThreadMarker


class _Moved(msgspec.Struct):
    room: str
    offset: int
    thread: str | None = None


def ask(change: Follow | Mute) -> Question:
    """Ask also where the thread ends: who follows it from now on has nothing to catch up with."""
    return targets.ask(change, log=user_log(change.author), offset=_GREATEST)


def ask_set_marker(change: SetThreadMarker) -> Question:
    return targets.ask(change, log=user_log(change.author), offset=min(max(change.offset, 0), _GREATEST))


def decide_follow(change: Follow, facts: Facts) -> Decision:
    mine = facts.thread or _NOBODY
    return _decide(change, facts, mine, msgspec.structs.replace(mine, follows=change.follows))


def decide_mute(change: Mute, facts: Facts) -> Decision:
    mine = facts.thread or _NOBODY
    return _decide(change, facts, mine, msgspec.structs.replace(mine, muted=change.muted))


def decide_set_marker(change: SetThreadMarker, facts: Facts) -> Decision:
    root = _root(facts)
    if isinstance(root, Refusal):
        return root
    marker, mine = _marker(facts), facts.thread or _NOBODY
    old = facts.repeat(user_log(change.author))
    if old is not None:
        return Repeats(marker.marker) if _is_same(change, old) else Refusal.CONFLICT
    if marker.offset <= marker.marker:
        return Stays(marker.marker)
    content = targets.told(room=change.room, thread=root.id, offset=marker.offset, posts=marker.posts)
    moved = msgspec.structs.replace(mine, marker=marker.offset, marker_posts=marker.posts)
    return Effects((_told(change, Kind.MARKER_MOVED, content), _row(change, root, moved)), marker.offset)


def _decide(change: Follow | Mute, facts: Facts, mine: ThreadFact, wanted: ThreadFact) -> Decision:
    root = _root(facts)
    if isinstance(root, Refusal):
        return root
    content = targets.told(room=change.room, thread=root.id, follows=wanted.follows, muted=wanted.muted)
    judged = targets.judge(facts, user_log(change.author), Kind.THREAD_FOLLOWED, content)
    if judged is not None:
        return judged
    if wanted == mine:
        return Stays()
    if wanted.follows and not mine.follows:
        end = _marker(facts)
        wanted = msgspec.structs.replace(wanted, marker=end.offset, marker_posts=end.posts)
    return Effects((_told(change, Kind.THREAD_FOLLOWED, content), _row(change, root, wanted)))


def _root(facts: Facts) -> MessageFact | Refusal:
    if facts.room is None or not facts.author.joined:
        return Refusal.NO_SUCH_ROOM
    if facts.message is None:
        return Refusal.NO_SUCH_MESSAGE
    return facts.message if facts.message.thread is None else Refusal.NOT_A_THREAD_ROOT


def _marker(facts: Facts) -> MarkerFact:
    return facts.marker or MarkerFact(marker=0, offset=0, posts=0)


def _is_same(change: SetThreadMarker, old: EntryFact) -> bool:
    if old.kind != Kind.MARKER_MOVED:
        return False
    moved = msgspec.json.decode(old.content, type=_Moved)
    return (moved.room, moved.thread) == (change.room, change.message) and moved.offset <= change.offset


def _told(change: _Change, kind: Kind, content: str) -> Write:
    return Write(log=user_log(change.author), kind=kind, id=change.id, content=content)


def _row(change: _Change, root: MessageFact, wanted: ThreadFact) -> Put:
    return Put(
        table="thread_member",
        key={"user_id": change.author, "room_id": change.room, "root": root.offset},
        values=msgspec.structs.asdict(wanted),
    )
