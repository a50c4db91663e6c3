"""Reading a thread, following and muting it."""

from typing import Annotated

import msgspec

from chat_gateway.actions import targets
from chat_gateway.actions.history import MAX_PAGE, Offset, check_direction
from chat_gateway.actions.targets import ThisMessage
from chat_gateway.core import errors, messages
from chat_gateway.core.changes import Follow, Mute
from chat_gateway.core.chat import Chat
from chat_gateway.core.history import shown
from chat_gateway.core.ids import Id, RoomId, UserId


class ThreadRequest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """`thread` is the message it began with. `after` pages forward, `before` backward; neither asks for the newest."""

    room: Id
    thread: Id
    after: Offset | None = None
    before: Offset | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=MAX_PAGE)] = 50


class ThreadPage(msgspec.Struct, frozen=True, kw_only=True):
    """Replies in rising order, with the root of the thread and how the reader stands to it.

    `posts` counts all replies, `unread` those behind the reader's marker; `head` is that of the room's log.
    """

    root: msgspec.Raw
    entries: list[msgspec.Raw]
    follows: bool
    muted: bool
    marker: int
    posts: int
    unread: int
    head: int
    epoch: str


class FollowThread(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    room: Id
    thread: Id
    follow: bool


class MuteThread(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    room: Id
    thread: Id
    muted: bool


class Followed(msgspec.Struct, frozen=True):
    pass


async def page(chat: Chat, actor: UserId, request: ThreadRequest) -> ThreadPage:
    """Read a page of a thread."""
    check_direction(request.after, request.before)
    found = await chat.history.thread(
        RoomId(request.room),
        actor,
        messages.entry_id(request.thread, "thread"),
        after=request.after,
        before=request.before,
        limit=request.limit,
    )
    if found is None:
        raise errors.room_not_found()
    return ThreadPage(
        root=shown(found.root),
        entries=[shown(item) for item in found.items],
        follows=found.follows,
        muted=found.muted,
        marker=found.marker,
        posts=found.posts,
        unread=found.unread,
        head=found.head,
        epoch=found.epoch,
    )


async def follow(chat: Chat, actor: UserId, request: FollowThread) -> Followed:
    """Follow a thread, or no longer: followed ones with unread replies are counted in the room.

    Whoever posts in a thread, and whoever is answered, follows it without asking.
    """
    about = ThisMessage(room=request.room, message=request.thread)
    await targets.change(chat, actor, Follow, about, follows=request.follow)
    return Followed()


async def mute(chat: Chat, actor: UserId, request: MuteThread) -> Followed:
    """Mute a thread that one follows, or let it be heard again."""
    about = ThisMessage(room=request.room, message=request.thread)
    await targets.change(chat, actor, Mute, about, muted=request.muted)
    return Followed()
