"""Reports of messages to the administrators: one a person and message, with a reason, and no entry in any log.

The decision alone.
"""

from chat_gateway.core import targets
from chat_gateway.core.changes import Refusal, Report
from chat_gateway.core.effects import Decision, Effects, Put, Stays
from chat_gateway.core.facts import Facts, Question


def ask(change: Report) -> Question:
    return targets.ask(change)


def decide(change: Report, facts: Facts) -> Decision:
    if facts.room is None or not facts.author.joined:
        return Refusal.NO_SUCH_ROOM
    message = targets.find(facts)
    if isinstance(message, Refusal):
        return message
    if message.reported:
        return Stays()
    values = {**targets.key(change, message), "reporter": change.author, "reason": change.reason}
    return Effects((Put(table="report", key={"id": change.id}, values=values, filled={"at": "now"}),))
