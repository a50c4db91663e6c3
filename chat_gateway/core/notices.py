"""The rows that tell a person, in a log of their own, what became of their rooms."""

from uuid import NAMESPACE_OID, uuid5

import msgspec

from chat_gateway.core.changes import Change
from chat_gateway.core.effects import Write
from chat_gateway.core.entries import Kind
from chat_gateway.core.ids import EntryId, UserId, user_log


def notice(change: Change, user: UserId, kind: Kind) -> Write:
    """Tell the user of the change. The id is derived, so that every repeat of the change carries the same one."""
    log = user_log(user)
    return Write(
        log=log,
        kind=kind,
        id=EntryId(str(uuid5(NAMESPACE_OID, f"{change.id}:{log}"))),
        content=msgspec.json.encode({"room": change.room}).decode(),
    )
