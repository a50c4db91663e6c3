"""Messages pinned to their room: by owners and admins, in a direct room by anybody in it.

Decisions only.
"""

from chat_gateway.core import targets
from chat_gateway.core.changes import MAX_PINS, Pin, Refusal, Unpin
from chat_gateway.core.effects import Decision, Effects, Put, Set, Stays
from chat_gateway.core.entries import Kind
from chat_gateway.core.facts import Facts, MessageFact, Question
from chat_gateway.core.ids import room_log


def ask(change: Pin | Unpin) -> Question:
    return targets.ask(change)


def decide_pin(change: Pin, facts: Facts) -> Decision:
    content = targets.told(message=change.message)
    message = _find(change, facts, Kind.MESSAGE_PINNED, content)
    if not isinstance(message, MessageFact):
        return message
    if message.pinned:
        return Stays()
    if message.pins >= MAX_PINS:
        return Refusal.TOO_MANY_PINS
    pinned = Put(table="message", key=targets.key(change, message), filled={"pinned_at": "now"})
    return Effects((targets.entry(change, Kind.MESSAGE_PINNED, content), pinned))


def decide_unpin(change: Unpin, facts: Facts) -> Decision:
    content = targets.told(message=change.message)
    message = _find(change, facts, Kind.MESSAGE_UNPINNED, content)
    if not isinstance(message, MessageFact):
        return message
    if not message.pinned:
        return Stays()
    unpinned = Set(table="message", key=targets.key(change, message), values={"pinned_at": None})
    return Effects((targets.entry(change, Kind.MESSAGE_UNPINNED, content), unpinned))


def _find(change: Pin | Unpin, facts: Facts, kind: Kind, content: str) -> MessageFact | Decision:
    judged = targets.judge(facts, room_log(change.room), kind, content)
    if judged is not None:
        return judged
    assert facts.room is not None, "judged before"  # noqa: S101 - tells mypy
    if facts.room.archived:
        return Refusal.ARCHIVED
    if facts.author.role == "member" and facts.room.kind != "direct":
        return Refusal.NOT_ALLOWED
    return targets.find(facts)
