"""A batch of posts on SQLite, decided and written as migrations/functions/append_batch_v2.sql does on PostgreSQL."""

from typing import NamedTuple

from chat_gateway.core.changes import Applied, Outcome, Post, Refusal
from chat_gateway.core.entries import SCRUBBED, Entry, Kind
from chat_gateway.core.ids import RoomId, UserId, room_log
from chat_gateway.store.ledger_sqlite import Ledger

_PLACE = (
    "SELECT member.role, room.read_only, room.archived, room.kind = 'direct' AND room.members = 2 AND EXISTS ("
    " SELECT 1 FROM member AS other JOIN block ON block.user_id = other.user_id AND block.blocked_id = member.user_id"
    " WHERE other.room_id = member.room_id AND other.user_id <> member.user_id) AS is_blocked"
    " FROM member JOIN room ON room.id = member.room_id"
    " WHERE member.room_id = ? AND member.user_id = ? AND member.status = 'joined'"
)
# By the id alone (the plus hides the log from the planner, which might walk all of it).
_ROOT = (
    'SELECT entry."offset", entry.author, entry.thread, coalesce(message.deleted, 0), coalesce(message.thread_posts, 0)'
    ' FROM entry LEFT JOIN message ON message.room_id = ? AND message."offset" = entry."offset"'
    " WHERE entry.id = ? AND entry.kind = 1 AND +entry.log_id = ?"
)
_ANSWERED = "SELECT 1 FROM entry WHERE id = ? AND kind = 1 AND +log_id = ?"
_MENTION = 'INSERT INTO mention (user_id, room_id, "offset", author) VALUES (?, ?, ?, ?)'
_COUNT = (
    'INSERT INTO message (room_id, "offset", thread_posts, thread_at) VALUES (?, ?, ?, ?)'
    ' ON CONFLICT (room_id, "offset") DO UPDATE SET thread_posts = excluded.thread_posts,'
    " thread_at = excluded.thread_at"
)
_FOLLOW = (
    "INSERT INTO thread_member (user_id, room_id, root, follows, marker, marker_posts) VALUES (?, ?, ?, 1, ?, ?)"
    " ON CONFLICT (user_id, room_id, root) DO UPDATE SET follows = 1, marker = excluded.marker,"
    " marker_posts = excluded.marker_posts"
)
# Whose message is answered follows from then on; who has turned that off is not asked again.
_FOLLOW_AT_FIRST = (
    "INSERT INTO thread_member (user_id, room_id, root, follows) VALUES (?, ?, ?, 1) ON CONFLICT DO NOTHING"
)


class _Place(NamedTuple):
    """The author in the room."""

    role: str
    read_only: bool
    archived: bool
    is_blocked: bool


class _Root(NamedTuple):
    offset: int
    author: UserId
    thread: str | None
    deleted: bool
    thread_posts: int


class Posts:
    """Writes posts in one open transaction, in which nothing but posts is written: what it read stays true."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._places: dict[tuple[RoomId, UserId], _Place | None] = {}

    def append(self, post: Post) -> Outcome:
        place = self._place(post.room, post.author)
        if place is None:
            return Refusal.NO_SUCH_ROOM
        old = self._ledger.find(room_log(post.room), post.author, post.client_id)
        if old is not None:
            return Applied(entry=old, offset=old.offset, repeated=True) if _is_same(post, old) else Refusal.CONFLICT
        root = None if post.thread is None else self._root(post)
        refusal = _closed_to(place) or _unthreaded(post, root) or self._unanswered(post)
        return self._write(post, root) if refusal is None else refusal

    def _write(self, post: Post, root: _Root | None) -> Applied:
        entry = self._ledger.write(
            room_log(post.room),
            Kind.MESSAGE_POSTED,
            post.id,
            post,
            content=post.content,
            thread=post.thread,
            thread_posts=None if root is None else root.thread_posts + 1,
        )
        if root is None:
            self._ledger.mark(post.room, post.author, entry.offset, entry.posts)
        else:
            self._reply(post, entry, root)
        if post.mentions:
            rows = [(user, post.room, entry.offset, post.author) for user in post.mentions]
            self._ledger.connection.executemany(_MENTION, rows)
        return Applied(entry=entry, offset=entry.offset)

    def _reply(self, post: Post, entry: Entry, root: _Root) -> None:
        execute = self._ledger.connection.execute
        execute(_COUNT, (post.room, root.offset, entry.thread_posts, entry.at))
        execute(_FOLLOW, (post.author, post.room, root.offset, entry.offset, entry.thread_posts))
        execute(_FOLLOW_AT_FIRST, (root.author, post.room, root.offset))

    def _place(self, room: RoomId, author: UserId) -> _Place | None:
        if (room, author) not in self._places:
            row = self._ledger.connection.execute(_PLACE, (room, author)).fetchone()
            self._places[room, author] = row and _Place(*row)
        return self._places[room, author]

    def _root(self, post: Post) -> _Root | None:
        row = self._ledger.connection.execute(_ROOT, (post.room, post.thread, room_log(post.room))).fetchone()
        return row and _Root(*row)

    def _unanswered(self, post: Post) -> Refusal | None:
        """Refuse a post that answers no message of its room; one that is deleted may be answered."""
        if post.reply_to is None:
            return None
        found = self._ledger.connection.execute(_ANSWERED, (post.reply_to, room_log(post.room))).fetchone()
        return Refusal.NO_SUCH_MESSAGE if found is None else None


def _is_same(post: Post, old: Entry) -> bool:
    """Compare with what was posted; a scrubbed text cannot be compared, so it is taken for the same."""
    if old.kind != Kind.MESSAGE_POSTED:
        return False
    return old.content.startswith(SCRUBBED) or (old.content, old.thread) == (post.content, post.thread)


def _closed_to(place: _Place) -> Refusal | None:
    if place.archived:
        return Refusal.ARCHIVED
    if place.read_only and place.role == "member":
        return Refusal.READ_ONLY
    return Refusal.NOT_REACHABLE if place.is_blocked else None


def _unthreaded(post: Post, root: _Root | None) -> Refusal | None:
    if post.thread is None:
        return None
    if root is None or root.deleted:
        return Refusal.NO_SUCH_MESSAGE
    return None if root.thread is None else Refusal.NOT_A_THREAD_ROOT
