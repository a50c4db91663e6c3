"""An entry as answers show it, for the documentation: the answers themselves carry entries as encoded bytes.

The tests hold it against what core/entries.py encodes, and against the entries that every verb makes.
"""

import msgspec
from msgspec import UNSET, UnsetType

from chat_gateway.core.history import Excerpt, MessageState


class Content(msgspec.Struct, kw_only=True):
    """What an entry of its type brings, and nothing else.

    `message.posted`: `body`, `reply_to`. `message.edited`: `message`, `body`. `message.deleted|pinned|unpinned`:
    `message`. `reaction.added|removed`: `message`, `emoji`. `member.joined|role`: `role`; the first entry of a room has
    what it was made with as well. `room.updated`: what changed of `name`, `topic`, `read_only`. `room.archived`:
    `archived`. A text that was deleted has left `deleted` in its place.
    """

    body: str | UnsetType = UNSET
    reply_to: str | UnsetType = UNSET
    deleted: bool | UnsetType = UNSET
    message: str | UnsetType = UNSET
    emoji: str | UnsetType = UNSET
    role: str | UnsetType = UNSET
    name: str | UnsetType = UNSET
    kind: str | UnsetType = UNSET
    topic: str | UnsetType = UNSET
    read_only: bool | UnsetType = UNSET
    archived: bool | UnsetType = UNSET
    people: list[str] | UnsetType = UNSET


class Entry(msgspec.Struct, kw_only=True):
    """One entry of a room's log. `type` says what happened; there may be more types than you know: pass them over.

    `at` is Unix time in milliseconds, `posts` the room's running count of messages outside threads, `subject` the
    member it happened to. A reply in a thread names the `thread` by its first message. `state` tells what became of a
    message since, `reply` what it answers.
    """

    offset: int
    type: str
    id: str
    at: int
    author: str
    client_id: str
    posts: int
    subject: str | UnsetType = UNSET
    thread: str | UnsetType = UNSET
    thread_posts: int | UnsetType = UNSET
    content: Content
    state: MessageState | UnsetType = UNSET
    reply: Excerpt | UnsetType = UNSET
