"""The logs and memberships as one open SQLite write transaction sees and changes them.

Heads are read once and stored at the end of the transaction; the clock is read once, after the lock.
"""

import sqlite3

from chat_gateway.core.changes import Change
from chat_gateway.core.entries import Entry
from chat_gateway.core.ids import ClientId, EntryId, LogId, RoomId, UserId
from chat_gateway.store.sqlite_writer import NOW_MS

_ENTRY = 'log_id, "offset", kind, id, author, client_id, at, posts, subject, content'
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

    def posts_at(self, log: LogId, offset: int) -> int:
        sql = 'SELECT posts FROM entry WHERE log_id = ? AND "offset" = ?'
        return int(self.connection.execute(sql, (log, offset)).fetchone()[0])

    def write(
        self, log: LogId, kind: int, entry_id: EntryId, change: Change, *, subject: UserId | None = None, content: str
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
            posts=posts + (kind == _POSTED),
            subject=subject,
            content=content,
        )
        self.connection.execute(
            f"INSERT INTO entry ({_ENTRY}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
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
            ),
        )
        self._heads[log] = (entry.offset, entry.posts)
        self._changed.add(log)
        return entry

    def store_heads(self) -> None:
        self.connection.executemany(
            "INSERT INTO log (id, head, posts) VALUES (?, ?, ?)"
            " ON CONFLICT (id) DO UPDATE SET head = excluded.head, posts = excluded.posts",
            [(log, *self._heads[log]) for log in sorted(self._changed)],
        )

    def role(self, room: RoomId, user: UserId) -> str | None:
        """Answer the role of a joined member; None for anybody else."""
        sql = "SELECT role FROM member WHERE room_id = ? AND user_id = ? AND status = 'joined'"
        row = self.connection.execute(sql, (room, user)).fetchone()
        return str(row[0]) if row else None

    def marker(self, room: RoomId, user: UserId) -> int:
        sql = "SELECT marker FROM member WHERE room_id = ? AND user_id = ?"
        row = self.connection.execute(sql, (room, user)).fetchone()
        return int(row[0]) if row else 0

    def mark(self, room: RoomId, user: UserId, offset: int, posts: int) -> None:
        sql = "UPDATE member SET marker = ?, marker_posts = ? WHERE room_id = ? AND user_id = ?"
        self.connection.execute(sql, (offset, posts, room, user))

    def rooms_of(self, user: UserId) -> int:
        sql = "SELECT count(*) FROM member WHERE user_id = ? AND status = 'joined'"
        return int(self.connection.execute(sql, (user,)).fetchone()[0])

    def join(self, room: RoomId, user: UserId, role: str, marker: tuple[int, int]) -> None:
        self.connection.execute(
            "INSERT INTO member (room_id, user_id, role, status, marker, marker_posts) VALUES (?, ?, ?, 'joined', ?, ?)"
            " ON CONFLICT (room_id, user_id) DO UPDATE SET role = excluded.role, status = excluded.status,"
            " marker = excluded.marker, marker_posts = excluded.marker_posts",
            (room, user, role, *marker),
        )

    def part(self, room: RoomId, user: UserId, status: str) -> None:
        sql = "UPDATE member SET status = ? WHERE room_id = ? AND user_id = ?"
        self.connection.execute(sql, (status, room, user))

    def room(self, room: RoomId) -> tuple[str, str] | None:
        """Answer the room's name and kind."""
        row = self.connection.execute("SELECT name, kind FROM room WHERE id = ?", (room,)).fetchone()
        return (row[0], row[1]) if row else None

    def open_room(self, room: RoomId, name: str, kind: str, author: UserId) -> None:
        self.connection.execute(
            "INSERT INTO room (id, name, kind, created_at, created_by) VALUES (?, ?, ?, ?, ?)",
            (room, name, kind, self.now, author),
        )


def _entry(row: tuple[str, int, int, str, str, str, int, int, str | None, str]) -> Entry:
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
    )
