"""Which decision a change is made by: what it asks for, and what it does with the answer.

Pure, and the same for both databases: these read the facts, decide, and write the effects.
"""

from collections.abc import Callable
from typing import Any, Generic, TypeVar

import msgspec

from chat_gateway.core import (
    departures,
    directs,
    editing,
    invitations,
    markers,
    memberships,
    pins,
    reactions,
    reports,
    room_changes,
    threads,
)
from chat_gateway.core.changes import (
    Archive,
    Ban,
    Change,
    Create,
    Delete,
    Depart,
    Edit,
    Follow,
    Inherit,
    Invite,
    Join,
    Leave,
    Mute,
    OpenDirect,
    Pin,
    React,
    Remove,
    Report,
    Revoke,
    SetMarker,
    SetRole,
    SetThreadMarker,
    Unban,
    Unpin,
    Unreact,
    Update,
)
from chat_gateway.core.effects import Decision
from chat_gateway.core.facts import Facts, Question, ask_of_author

C = TypeVar("C", bound=Change)


class Rule(msgspec.Struct, Generic[C], frozen=True):
    ask: Callable[[C], Question]
    decide: Callable[[C, Facts], Decision]


RULES: dict[type[Change], Rule[Any]] = {
    Create: Rule(room_changes.ask_create, room_changes.decide_create),
    Update: Rule(ask_of_author, room_changes.decide_update),
    Archive: Rule(ask_of_author, room_changes.decide_archive),
    Join: Rule(memberships.ask_join, memberships.decide_join),
    Leave: Rule(memberships.ask_leave, memberships.decide_leave),
    Inherit: Rule(departures.ask, departures.decide_inherit),
    Depart: Rule(departures.ask, departures.decide_depart),
    Remove: Rule(memberships.ask_remove, memberships.decide_remove),
    Ban: Rule(memberships.ask_ban, memberships.decide_ban),
    Unban: Rule(memberships.ask_unban, memberships.decide_unban),
    SetRole: Rule(memberships.ask_set_role, memberships.decide_set_role),
    Invite: Rule(ask_of_author, invitations.decide_invite),
    Revoke: Rule(ask_of_author, invitations.decide_revoke),
    OpenDirect: Rule(directs.ask_open, directs.decide_open),
    SetMarker: Rule(markers.ask_set_marker, markers.decide_set_marker),
    Edit: Rule(editing.ask_edit, editing.decide_edit),
    Delete: Rule(editing.ask_delete, editing.decide_delete),
    React: Rule(reactions.ask, reactions.decide_react),
    Unreact: Rule(reactions.ask, reactions.decide_unreact),
    Pin: Rule(pins.ask, pins.decide_pin),
    Unpin: Rule(pins.ask, pins.decide_unpin),
    Report: Rule(reports.ask, reports.decide),
    Follow: Rule(threads.ask, threads.decide_follow),
    Mute: Rule(threads.ask, threads.decide_mute),
    SetThreadMarker: Rule(threads.ask_set_marker, threads.decide_set_marker),
}
"""All changes but Post, which is decided in batches by the stores."""


def question(change: Change) -> Question:
    return RULES[type(change)].ask(change)


def decide(change: Change, facts: Facts) -> Decision:
    return RULES[type(change)].decide(change, facts)
