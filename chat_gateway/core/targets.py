"""The message a change is about: what to ask for it, and what every such change has to pass first.

A stranger to the room learns nothing; to a member a message that is missing, of another room or deleted is one answer.
"""

from typing import TypeAlias

import msgspec

from chat_gateway.core import repeats
from chat_gateway.core.changes import (
    Delete,
    Edit,
    Follow,
    Mute,
    Pin,
    React,
    Refusal,
    Report,
    SetThreadMarker,
    Unpin,
    Unreact,
)
from chat_gateway.core.effects import Decision, Value, Write
from chat_gateway.core.entries import Kind
from chat_gateway.core.facts import Facts, MessageFact, Question
from chat_gateway.core.ids import LogId, room_log

Targeted: TypeAlias = Edit | Delete | React | Unreact | Pin | Unpin | Report | Follow | Mute | SetThreadMarker


def ask(change: Targeted, *, log: LogId | None = None, emoji: str = "", offset: int | None = None) -> Question:
    """Ask for the message; the change writes to this log, or to its room's."""
    return Question(
        room=change.room,
        author=change.author,
        client_id=change.client_id,
        logs=(log or room_log(change.room),),
        users=(change.author,),
        message=change.message,
        emoji=emoji,
        offset=offset,
    )


def judge(facts: Facts, log: LogId, kind: Kind, content: str) -> Decision | None:
    """Refuse a stranger, and answer a repeat."""
    if facts.room is None or not facts.author.joined:
        return Refusal.NO_SUCH_ROOM
    return repeats.judge(facts, log, kind, content=content)


def find(facts: Facts) -> MessageFact | Refusal:
    """Find the message if there is one that is not deleted."""
    message = facts.message
    return Refusal.NO_SUCH_MESSAGE if message is None or message.deleted else message


def key(change: Targeted, message: MessageFact) -> dict[str, Value]:
    return {"room_id": change.room, "offset": message.offset}


def part_key(change: Targeted, message: MessageFact) -> dict[str, Value]:
    """Name the rows of the tables that hold parts of messages."""
    return {"room_id": change.room, "message": message.offset}


def entry(change: Targeted, kind: Kind, content: str) -> Write:
    return Write(log=room_log(change.room), kind=kind, id=change.id, content=content)


def told(**fields: object) -> str:
    return msgspec.json.encode(fields).decode()
