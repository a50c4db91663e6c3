"""Messages that are pinned to their room; `history.page` lists them."""

from chat_gateway.actions import targets
from chat_gateway.actions.targets import Changed, ThisMessage
from chat_gateway.core.changes import Pin, Unpin
from chat_gateway.core.chat import Chat
from chat_gateway.core.ids import UserId


async def pin(chat: Chat, actor: UserId, request: ThisMessage) -> Changed:
    """Pin a message to its room: as an owner or admin, in a direct room as anybody in it."""
    return await targets.change(chat, actor, Pin, request)


async def unpin(chat: Chat, actor: UserId, request: ThisMessage) -> Changed:
    """Unpin a message."""
    return await targets.change(chat, actor, Unpin, request)
