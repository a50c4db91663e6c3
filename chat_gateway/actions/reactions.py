"""Emojis that people put to messages."""

from typing import Annotated

import msgspec

from chat_gateway.actions import targets
from chat_gateway.actions.targets import Changed, ThisMessage
from chat_gateway.core import messages
from chat_gateway.core.changes import React, Unreact
from chat_gateway.core.chat import Chat
from chat_gateway.core.ids import UserId


class ReactToMessage(ThisMessage, forbid_unknown_fields=True, kw_only=True):
    """`emoji` is one emoji, or a name such as `:thumbsup:`; at most 32 characters."""

    emoji: Annotated[str, msgspec.Meta(max_length=messages.MAX_EMOJI)]


async def react(chat: Chat, actor: UserId, request: ReactToMessage) -> Changed:
    """Put an emoji to a message. One that the actor put there before stays."""
    return await targets.change(chat, actor, React, request, emoji=messages.emoji(request.emoji))


async def unreact(chat: Chat, actor: UserId, request: ReactToMessage) -> Changed:
    """Take one's own emoji back."""
    return await targets.change(chat, actor, Unreact, request, emoji=messages.emoji(request.emoji))
