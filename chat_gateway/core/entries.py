"""One entry of a log, as it is stored, relayed and shown.

Entries carry ids of people, never names or pictures. `at` is Unix time in milliseconds, taken by the database under the
log's lock, so it never runs against the offsets of one log.
"""

from enum import IntEnum

import msgspec

from chat_gateway.core.ids import ClientId, EntryId, LogId, UserId


class Kind(IntEnum):
    """What happened. The numbers are stored and travel on the bus: never reused, unknown ones are passed on."""

    MESSAGE_POSTED = 1
    MESSAGE_EDITED = 2
    MESSAGE_DELETED = 3
    MESSAGE_PINNED = 4
    MESSAGE_UNPINNED = 5
    REACTION_ADDED = 6
    REACTION_REMOVED = 7
    MEMBER_JOINED = 10
    MEMBER_LEFT = 11
    MEMBER_REMOVED = 12
    MEMBER_BANNED = 13
    MEMBER_UNBANNED = 14
    MEMBER_ROLE = 15
    ROOM_UPDATED = 20
    ROOM_ARCHIVED = 21
    ROOM_JOINED = 40
    ROOM_LEFT = 41
    ROOM_REMOVED = 42
    MARKER_MOVED = 43
    THREAD_FOLLOWED = 44


NAMES: dict[int, str] = {kind: kind.name.lower().replace("_", ".", 1) for kind in Kind}
"""The `type` of an entry on the wire: `message.posted`, `member.joined`, ..."""


SCRUBBED = '{"deleted":true'
"""How the content of an entry begins whose text was deleted; no content that holds a text begins so."""


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """`content` is the kind's own fields as JSON text, stored and sent as it is; `posts` the log's running count.

    A reply in a thread names the thread's root and counts in `thread_posts`, not in `posts`.
    """

    log: LogId
    offset: int
    kind: int
    id: EntryId
    author: UserId
    client_id: ClientId
    at: int
    posts: int
    subject: UserId | None = None
    content: str = "{}"
    thread: EntryId | None = None
    thread_posts: int | None = None


class _Wire(msgspec.Struct, omit_defaults=True, kw_only=True):
    offset: int = 0
    type: str
    id: str
    at: int
    author: str
    client_id: str
    posts: int
    subject: str | None = None
    thread: str | None = None
    thread_posts: int | None = None
    content: msgspec.Raw
    state: object = None
    reply: object = None


_encoder = msgspec.json.Encoder()


def encode(entry: Entry, *, with_offset: bool = False, state: object = None, reply: object = None) -> bytes:
    """Make the JSON a client sees: the `data` of a publication or, with its offset, an item of `history.page`.

    `state` and `reply` are of core/history.py.
    """
    return _encoder.encode(
        _Wire(
            offset=entry.offset if with_offset else 0,
            type=NAMES.get(entry.kind, f"unknown.{entry.kind}"),
            id=entry.id,
            at=entry.at,
            author=entry.author,
            client_id=entry.client_id,
            posts=entry.posts,
            subject=entry.subject,
            thread=entry.thread,
            thread_posts=entry.thread_posts,
            content=msgspec.Raw(entry.content),
            state=state,
            reply=reply,
        )
    )
