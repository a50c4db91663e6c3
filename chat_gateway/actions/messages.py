"""What a person does with messages."""

from typing import Annotated

import msgspec

from chat_gateway.actions import changing, targets
from chat_gateway.actions.targets import Changed, ThisMessage
from chat_gateway.core import errors, messages
from chat_gateway.core.changes import Delete, Edit, Post, Report
from chat_gateway.core.chat import Chat
from chat_gateway.core.history import Revision
from chat_gateway.core.ids import ClientId, Id, RoomId, UserId
from chat_gateway.core.limits import DEFAULTS

MAX_REASON = 1_000


class PostMessage(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """`reply_to` is the message of the room it answers, `thread` the one whose thread it is posted in.

    Write `<@user-id>` to mention somebody, `<@room>` for everybody.
    """

    room: Id
    body: str
    client_id: Id | None = None
    reply_to: Id | None = None
    thread: Id | None = None


class Posted(msgspec.Struct, frozen=True):
    """`at` is Unix time in milliseconds."""

    id: str
    offset: int
    at: int


class EditMessage(ThisMessage, forbid_unknown_fields=True, kw_only=True):
    body: str


class ReportMessage(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    room: Id
    message: Id
    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_REASON)]


class AskRevisions(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    room: Id
    message: Id


class Revisions(msgspec.Struct, frozen=True):
    """The oldest first."""

    revisions: list[Revision]


class Reported(msgspec.Struct, frozen=True):
    pass


async def post(chat: Chat, actor: UserId, request: PostMessage) -> Posted:
    """Post a message; answered once it is committed.

    The post stands in the commit queue before this first gives way, so posts of one connection keep their order. A
    repeat of `client_id` answers the first result.
    """
    entry_id = chat.new_id()
    reply_to = None if request.reply_to is None else messages.entry_id(request.reply_to, "reply_to")
    made = Post(
        id=entry_id,
        room=RoomId(request.room),
        author=actor,
        client_id=ClientId(entry_id) if request.client_id is None else messages.client_id(request.client_id),
        content=messages.content(request.body, reply_to, chat.limits),
        thread=None if request.thread is None else messages.entry_id(request.thread, "thread"),
        reply_to=reply_to,
        mentions=messages.mentions(request.body),
    )
    async with changing.explained(chat, actor, made.room):
        applied = await chat.log.append(made)
    entry = applied.entry
    assert entry is not None, "a post always has its row"  # noqa: S101 - tells mypy what the store promises
    return Posted(entry.id, entry.offset, entry.at)


async def edit(chat: Chat, actor: UserId, request: EditMessage) -> Changed:
    """Give one's own message another text; the old one can be read among its revisions."""
    body = messages.text(request.body, chat.limits)
    return await targets.change(chat, actor, Edit, request, body=body, mentions=messages.mentions(body))


async def delete(chat: Chat, actor: UserId, request: ThisMessage) -> Changed:
    """Delete a message: one's own, as an admin a member's, as an owner anybody's.

    Its text is gone for good, from its revisions too; that there was a message stays.
    """
    return await targets.change(chat, actor, Delete, request)


async def revisions(chat: Chat, actor: UserId, request: AskRevisions) -> Revisions:
    """List the texts a message had before it was edited."""
    message = messages.entry_id(request.message, "message")
    found = await chat.history.revisions(RoomId(request.room), actor, message)
    if found is None:
        raise errors.room_not_found()
    return Revisions(found)


async def report(chat: Chat, actor: UserId, request: ReportMessage) -> Reported:
    """Report a message to the administrators, once. Nobody in the room hears of it."""
    reason = messages.text(request.reason, DEFAULTS)
    about = ThisMessage(room=request.room, message=request.message)
    await targets.change(chat, actor, Report, about, reason=reason)
    return Reported()
