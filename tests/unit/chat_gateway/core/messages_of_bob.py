"""Bob's message that ann would do something to: facts and the one-word outcome of a decision."""

from typing import Any

from chat_gateway.core.changes import Refusal
from chat_gateway.core.effects import Decision
from chat_gateway.core.facts import Facts, MemberFact, MessageFact
from chat_gateway.core.ids import EntryId
from tests.unit.chat_gateway.core.standing import ANN, BOB, facts, nowhere, who

MESSAGE = EntryId("m1")
BODY = '{"body":"old"}'


def a_message(**fields: Any) -> MessageFact:
    return MessageFact(
        **{"id": MESSAGE, "offset": 5, "author": BOB, "author_role": "member", "at": 1, "content": BODY, **fields}
    )


def known(author: MemberFact | None = None, message: MessageFact | None = None, **fields: Any) -> Facts:
    """What is known where ann, a member if nothing else is said, means bob's message."""
    return facts(author or who(ANN, "member"), message=message or a_message(), **fields)


def unseen() -> list[Facts]:
    """Facts of which nobody may learn that there is a room."""
    return [nowhere(who(ANN)), known(who(ANN)), known(who(ANN, status="left")), known(who(ANN, status="banned"))]


def outcome(decision: Decision) -> str:
    """The decision in one word."""
    return decision.name if isinstance(decision, Refusal) else type(decision).__name__
