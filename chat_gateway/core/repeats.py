"""What a second change with the same author and client_id is: the first one again, or a conflict."""

from chat_gateway.core.changes import Refusal
from chat_gateway.core.effects import Repeats
from chat_gateway.core.entries import SCRUBBED, Kind
from chat_gateway.core.facts import Facts
from chat_gateway.core.ids import LogId, UserId


def judge(
    facts: Facts, log: LogId, kind: Kind, *, subject: UserId | None = None, content: str = "{}"
) -> Repeats | Refusal | None:
    """Compare the entry that is there already with the one the change would write; None where there is none.

    A scrubbed entry cannot be compared, so it is taken for the same.
    """
    old = facts.repeat(log)
    if old is None:
        return None
    is_same_content = old.content == content or old.content.startswith(SCRUBBED)
    return Repeats() if is_same_content and (old.kind, old.subject) == (kind, subject) else Refusal.CONFLICT
