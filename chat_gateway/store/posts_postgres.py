"""A batch of posts as one call of the database's function append_batch_v2, and what its rows mean.

The function decides and writes; posts_sqlite.py does the same on SQLite.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row

from chat_gateway.core.changes import Applied, Outcome, Post, Refusal
from chat_gateway.core.entries import Entry, Kind
from chat_gateway.core.ids import EntryId, room_log

APPEND = (
    "SELECT * FROM append_batch_v2($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[],"
    " $7::text[], $8::bigint[], $9::text[])"
)
FIND = (
    'SELECT epoch.epoch, e."offset", e.id, e.at, e.posts, e.content, e.thread, e.thread_posts FROM epoch'
    " CROSS JOIN unnest($1::text[], $2::text[], $3::text[], $4::text[]) WITH ORDINALITY"
    " AS wanted (log_id, author, client_id, id, i)"
    " LEFT JOIN LATERAL (SELECT * FROM entry WHERE entry.author = wanted.author"
    " AND entry.client_id = wanted.client_id AND entry.log_id = wanted.log_id LIMIT 1) AS e ON e.id = wanted.id"
    " ORDER BY wanted.i"
)

_REPEATED = 1


def arguments(posts: Sequence[Post]) -> tuple[list[Any], ...]:
    mentions = [(number, user) for number, post in enumerate(posts, 1) for user in post.mentions]
    return (
        [post.room for post in posts],
        [post.id for post in posts],
        [post.author for post in posts],
        [post.client_id for post in posts],
        [post.content for post in posts],
        [post.thread for post in posts] if any(post.thread for post in posts) else [],
        [post.reply_to for post in posts] if any(post.reply_to for post in posts) else [],
        [number for number, _ in mentions],
        [user for _, user in mentions],
    )


def wanted(posts: Sequence[Post]) -> tuple[list[str], ...]:
    return (
        [room_log(post.room) for post in posts],
        [post.author for post in posts],
        [post.client_id for post in posts],
        [post.id for post in posts],
    )


def found(post: Post, row: Row[Any]) -> Applied | None:
    """Read what was looked up: the post's own row, or none."""
    if row.id is None:
        return None
    entry = _entry(post, row)
    return Applied(entry=entry, offset=entry.offset, repeated=True)


def outcome(post: Post, row: Row[Any]) -> Outcome:
    """Read one row. A repeat is answered with the row as it is stored, which may be scrubbed by now."""
    if row.status < 0:
        return Refusal(-row.status)
    entry = _entry(post, row)
    return Applied(entry=entry, offset=entry.offset, repeated=row.status == _REPEATED)


def _entry(post: Post, row: Row[Any]) -> Entry:
    return Entry(
        log=room_log(post.room),
        offset=row.offset,
        kind=Kind.MESSAGE_POSTED,
        id=row.id,
        author=post.author,
        client_id=post.client_id,
        at=row.at,
        posts=row.posts,
        content=post.content if row.content is None else row.content,
        thread=row.thread and EntryId(row.thread),
        thread_posts=row.thread_posts,
    )
