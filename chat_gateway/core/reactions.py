"""Emojis on messages: each person puts each emoji once, and a message bears so many different ones.

Decisions only.
"""

from chat_gateway.core import targets
from chat_gateway.core.changes import MAX_EMOJIS, React, Refusal, Unreact
from chat_gateway.core.effects import Decision, Drop, Effects, Put, Stays, Value
from chat_gateway.core.entries import Kind
from chat_gateway.core.facts import Facts, MessageFact, Question
from chat_gateway.core.ids import room_log


def ask(change: React | Unreact) -> Question:
    return targets.ask(change, emoji=change.emoji)


def decide_react(change: React, facts: Facts) -> Decision:
    content = targets.told(message=change.message, emoji=change.emoji)
    message = _find(change, facts, Kind.REACTION_ADDED, content)
    if not isinstance(message, MessageFact):
        return message
    if message.reacted:
        return Stays()
    if message.emojis >= MAX_EMOJIS and not message.used:
        return Refusal.TOO_MANY_REACTIONS
    put = Put(table="reaction", key=_key(change, message), filled={"at": "now"})
    return Effects((targets.entry(change, Kind.REACTION_ADDED, content), put))


def decide_unreact(change: Unreact, facts: Facts) -> Decision:
    content = targets.told(message=change.message, emoji=change.emoji)
    message = _find(change, facts, Kind.REACTION_REMOVED, content)
    if not isinstance(message, MessageFact):
        return message
    if not message.reacted:
        return Stays()
    taken = Drop(table="reaction", key=_key(change, message))
    return Effects((targets.entry(change, Kind.REACTION_REMOVED, content), taken))


def _find(change: React | Unreact, facts: Facts, kind: Kind, content: str) -> MessageFact | Decision:
    judged = targets.judge(facts, room_log(change.room), kind, content)
    if judged is not None:
        return judged
    if facts.room is not None and facts.room.archived:
        return Refusal.ARCHIVED
    return Refusal.NOT_REACHABLE if facts.blocked else targets.find(facts)


def _key(change: React | Unreact, message: MessageFact) -> dict[str, Value]:
    return {**targets.part_key(change, message), "emoji": change.emoji, "user_id": change.author}
