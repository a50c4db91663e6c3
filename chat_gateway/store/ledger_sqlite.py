"""The logs as one open SQLite write transaction sees and changes them.

Heads are read once and stored at the end of the transaction; the clock is read once, after the lock.
"""

import sqlite3

from chat_gateway.core.changes import Change
from chat_gateway.core.entries import Entry
from chat_gateway.core.ids import ClientId, EntryId, LogId, RoomId, UserId
from chat_gateway.store.sqlite_writer import NOW_MS

_ENTRY = 'log_id, "offset", kind, id, author, client_id, at, posts, subject, content, thread, thread_posts'
_POSTED = 1


class Ledger:
    """Valid for the transaction that is open on the connection."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self.now: int = connection.execute(f"SELECT {NOW_MS}").fetchone()[0]
        self._heads: dict[LogId, tuple[int, int]] = {}
        self._changed: set[LogId] = set()

    def epoch(self) -> str:
        return str(self.connection.execute("SELECT epoch FROM epoch").fetchone()[0])

    def head(self, log: LogId) -> tuple[int, int]:
        """Answer the log's head and running count; 0 for a log that is not there yet."""
        if log not in self._heads:
            row = self.connection.execute("SELECT head, posts FROM log WHERE id = ?", (log,)).fetchone()
            self._heads[log] = row or (0, 0)
        return self._heads[log]

    def find(self, log: LogId, author: UserId, client_id: ClientId) -> Entry | None:
        sql = f"SELECT {_ENTRY} FROM entry WHERE author = ? AND client_id = ? AND log_id = ?"
        row = self.connection.execute(sql, (author, client_id, log)).fetchone()
        return _entry(row) if row else None

    def write(
        self,
        log: LogId,
        kind: int,
        entry_id: EntryId,
        change: Change,
        *,
        content: str,
        subject: UserId | None = None,
        thread: EntryId | None = None,
        thread_posts: int | None = None,
    ) -> Entry:
        """Write one entry at the end of the log; the change names its author and client_id."""
        head, posts = self.head(log)
        entry = Entry(
            log=log,
            offset=head + 1,
            kind=kind,
            id=entry_id,
            author=change.author,
            client_id=change.client_id,
            at=self.now,
            posts=posts + (kind == _POSTED and thread is None),
            subject=subject,
            content=content,
            thread=thread,
            thread_posts=thread_posts,
        )
        self.connection.execute(
            f"INSERT INTO entry ({_ENTRY}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                log,
                entry.offset,
                int(kind),
                entry.id,
                entry.author,
                entry.client_id,
                entry.at,
                entry.posts,
                subject,
                content,
                thread,
                thread_posts,
            ),
        )
        self._heads[log] = (entry.offset, entry.posts)
        self._changed.add(log)
        return entry

    def open(self, log: LogId) -> None:
        """Make an empty log."""
        self._heads[log] = (0, 0)
        self._changed.add(log)

    def store_heads(self) -> None:
        self.connection.executemany(
            "INSERT INTO log (id, head, posts) VALUES (?, ?, ?)"
            " ON CONFLICT (id) DO UPDATE SET head = excluded.head, posts = excluded.posts",
            [(log, *self._heads[log]) for log in sorted(self._changed)],
        )

    def mark(self, room: RoomId, user: UserId, offset: int, posts: int) -> None:
        sql = "UPDATE member SET marker = ?, marker_posts = ? WHERE room_id = ? AND user_id = ?"
        self.connection.execute(sql, (offset, posts, room, user))


def _entry(
    row: tuple[str, int, int, str, str, str, int, int, str | None, str, str | None, int | None],
) -> Entry:
    return Entry(
        log=LogId(row[0]),
        offset=row[1],
        kind=row[2],
        id=EntryId(row[3]),
        author=UserId(row[4]),
        client_id=ClientId(row[5]),
        at=row[6],
        posts=row[7],
        subject=None if row[8] is None else UserId(row[8]),
        content=row[9],
        thread=None if row[10] is None else EntryId(row[10]),
        thread_posts=row[11],
    )
