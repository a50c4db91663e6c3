"""Changing what was said: editing keeps the old text as a revision, deleting leaves no text anywhere.

Decisions only. An author edits, and nobody else; a message is deleted by its author, by an owner, or, if its author is
no more than a member, by an admin. An archived room can still be cleaned.
"""

from chat_gateway.core import messages, targets
from chat_gateway.core.changes import MAX_EDITS, Delete, Edit, Refusal
from chat_gateway.core.effects import Decision, Drop, Effect, Effects, Put, Scrub, Stays
from chat_gateway.core.entries import Kind
from chat_gateway.core.facts import Facts, MessageFact, Question
from chat_gateway.core.ids import room_log


def ask_edit(change: Edit) -> Question:
    return targets.ask(change)


def decide_edit(change: Edit, facts: Facts) -> Decision:
    content = targets.told(message=change.message, body=change.body)
    judged = targets.judge(facts, room_log(change.room), Kind.MESSAGE_EDITED, content)
    if judged is not None:
        return judged
    message = targets.find(facts)
    if isinstance(message, Refusal):
        return message
    refusal = _edit_refusal(facts, message)
    if refusal is not None:
        return refusal
    stands = messages.body_of(message.content) if message.body is None else message.body
    if stands == change.body:
        return Stays()
    if message.edits >= MAX_EDITS:
        return Refusal.TOO_MANY_EDITS
    replaced = Put(
        table="revision",
        key={**targets.part_key(change, message), "n": message.edits + 1},
        values={"author": change.author, "body": stands},
        filled={"entry": "offset", "at": "now"},
    )
    edited = Put(
        table="message",
        key=targets.key(change, message),
        values={"body": change.body},
        filled={"edited_at": "now"},
        added={"edits": 1},
    )
    entry = targets.entry(change, Kind.MESSAGE_EDITED, content)
    return Effects((entry, replaced, edited, *_mentions(change, message)))


def ask_delete(change: Delete) -> Question:
    return targets.ask(change)


def decide_delete(change: Delete, facts: Facts) -> Decision:
    content = targets.told(message=change.message)
    judged = targets.judge(facts, room_log(change.room), Kind.MESSAGE_DELETED, content)
    if judged is not None:
        return judged
    message = facts.message
    if message is None:
        return Refusal.NO_SUCH_MESSAGE
    if not _may_delete(change, facts, message):
        is_direct = facts.room is not None and facts.room.kind == "direct"
        return Refusal.NOT_YOUR_MESSAGE if is_direct else Refusal.NOT_ALLOWED
    if message.deleted:
        return Stays()
    scrubbed = {message.offset: messages.scrubbed(message.content)}
    scrubbed |= dict.fromkeys(message.edit_entries, messages.scrubbed_edit(message.id))
    gone = Put(
        table="message",
        key=targets.key(change, message),
        values={"deleted": True, "body": None, "edited_at": None, "pinned_at": None},
    )
    rows, parts = targets.key(change, message), targets.part_key(change, message)
    return Effects(
        (
            targets.entry(change, Kind.MESSAGE_DELETED, content),
            Scrub(log=room_log(change.room), contents=scrubbed),
            gone,
            Drop(table="revision", key=parts),
            Drop(table="reaction", key=parts),
            Drop(table="mention", key=rows),
            Drop(table="search", key=rows),
        )
    )


def _edit_refusal(facts: Facts, message: MessageFact) -> Refusal | None:
    assert facts.room is not None, "judged before"  # noqa: S101 - tells mypy
    if facts.room.archived:
        return Refusal.ARCHIVED
    if message.author != facts.author.user:
        return Refusal.NOT_YOUR_MESSAGE
    if facts.blocked:
        return Refusal.NOT_REACHABLE
    return Refusal.READ_ONLY if facts.room.read_only and facts.author.role == "member" else None


def _may_delete(change: Delete, facts: Facts, message: MessageFact) -> bool:
    """Whoever has left counts as a member."""
    role = facts.author.role
    is_above = role == "owner" or (role == "admin" and message.author_role in (None, "member"))
    return is_above or message.author == change.author


def _mentions(change: Edit, message: MessageFact) -> tuple[Effect, ...]:
    """Mention whom the new text mentions, and nobody else."""
    key = targets.key(change, message)
    made = (
        Put(table="mention", key={"user_id": user, **key}, values={"author": change.author}) for user in change.mentions
    )
    return (Drop(table="mention", key=key), *made)
