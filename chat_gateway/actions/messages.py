"""What a person does with messages."""

import msgspec

from chat_gateway.core import messages
from chat_gateway.core.changes import Post
from chat_gateway.core.chat import Chat
from chat_gateway.core.ids import ClientId, RoomId, UserId


class PostMessage(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    room: str
    body: str
    client_id: str | None = None
    reply_to: str | None = None


class Posted(msgspec.Struct, frozen=True):
    """`at` is Unix time in milliseconds."""

    id: str
    offset: int
    at: int


async def post(chat: Chat, actor: UserId, request: PostMessage) -> Posted:
    """Post a message; answered once it is committed.

    The post stands in the commit queue before this first gives way, so posts of one connection keep their order. A
    repeat of `client_id` answers the first result.
    """
    entry_id = chat.new_id()
    applied = await chat.log.append(
        Post(
            id=entry_id,
            room=RoomId(request.room),
            author=actor,
            client_id=ClientId(entry_id) if request.client_id is None else messages.client_id(request.client_id),
            content=messages.content(request.body, request.reply_to),
        )
    )
    entry = applied.entry
    assert entry is not None, "a post always has its row"  # noqa: S101 - tells mypy what the store promises
    return Posted(entry.id, entry.offset, entry.at)
