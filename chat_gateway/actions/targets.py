"""What all verbs about one message have in common: how they name it, and what they are answered with."""

from typing import Any

import msgspec

from chat_gateway.actions import changing
from chat_gateway.core import messages
from chat_gateway.core.changes import Change
from chat_gateway.core.chat import Chat
from chat_gateway.core.ids import Id, UserId


class ThisMessage(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """`message` is the id of a message in the room."""

    room: Id
    message: Id
    client_id: Id | None = None


class Changed(msgspec.Struct, frozen=True):
    """`offset` is that of the entry which tells of the change; 0 where there was nothing to change."""

    offset: int


async def change(
    chat: Chat,
    actor: UserId,
    kind: type[Change],
    request: ThisMessage,
    **fields: Any,  # noqa: ANN401 - the change's own
) -> Changed:
    """Make a change of this kind to the message; answered once it is committed."""
    message = messages.entry_id(request.message, "message")
    applied = await changing.make(chat, actor, kind, request.room, request.client_id, message=message, **fields)
    return Changed(applied.offset)
