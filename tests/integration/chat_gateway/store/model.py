"""A chat in a few dictionaries: what the appenders are compared with. Knows no SQL and no time."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field

from chat_gateway.core.changes import Change, Create, Join, Leave, Post, Refusal, Remove, SetMarker

Row = tuple[str, int, int, str, str, int, str | None, str]
"""log, offset, kind, author, client_id, posts, subject, content."""

POSTED, JOINED, LEFT, REMOVED, ROOM_JOINED, ROOM_LEFT, ROOM_REMOVED, MOVED = 1, 10, 11, 12, 40, 41, 42, 43


@dataclass
class Member:
    role: str
    status: str = "joined"
    marker: int = 0
    marker_posts: int = 0


@dataclass
class Model:
    rooms: dict[str, tuple[str, str]] = field(default_factory=lambda: {"lobby": ("Lobby", "public")})
    members: dict[tuple[str, str], Member] = field(default_factory=dict)
    logs: dict[str, list[Row]] = field(default_factory=dict)

    def apply(self, change: Change) -> Refusal | tuple[bool, list[Row]]:
        """Answer the refusal, or whether it is a repeat and the rows it stands for, the change's own one first."""
        me = self.joined(change.room, change.author)
        own = f"user:{change.author}" if isinstance(change, SetMarker) else f"room:{change.room}"
        old = self.row(own, change)
        if me is None and not self._stranger_may(change, old):
            return Refusal.NO_SUCH_ROOM
        if old:
            if not self._same(change, old):
                return Refusal.CONFLICT
            subject = change.subject if isinstance(change, Remove) else change.author
            notice = None if isinstance(change, Post | SetMarker) else self.row(f"user:{subject}", change)
            return True, [old, *([notice] if notice else [])]
        return self._decide(change, me)

    def joined(self, room: str, user: str) -> Member | None:
        member = self.members.get((room, user))
        return member if member and member.status == "joined" else None

    def row(self, log: str, change: Change) -> Row | None:
        return next((r for r in self.logs.get(log, []) if r[3:5] == (change.author, change.client_id)), None)

    def _stranger_may(self, change: Change, old: Row | None) -> bool:
        room = self.rooms.get(change.room)
        if isinstance(change, Create):
            return room is None
        if isinstance(change, Join):
            return room is not None and room[1] == "public"
        return isinstance(change, Leave) and old is not None and old[2] == LEFT

    def _same(self, change: Change, old: Row) -> bool:
        kind, subject, content = old[2], old[6], old[7]
        match change:
            case Post():
                return kind == POSTED and content == change.content
            case Create():
                same_room = self.rooms[change.room] == (change.name, change.kind)
                return same_room and (kind, content) == (JOINED, '{"role":"owner"}')
            case Join():
                return (kind, content) == (JOINED, '{"role":"member"}')
            case Leave():
                return kind == LEFT
            case Remove():
                return (kind, subject) == (REMOVED, change.subject)
            case SetMarker():
                moved = json.loads(content)
                return kind == MOVED and moved["room"] == change.room and moved["offset"] <= change.offset

    def _decide(self, change: Change, me: Member | None) -> Refusal | tuple[bool, list[Row]]:
        room = f"room:{change.room}"
        log = self.logs.get(room, [])
        if isinstance(change, Post):
            assert me is not None
            row = self._write(room, POSTED, change, None, change.content)
            me.marker, me.marker_posts = row[1], row[5]
            return False, [row]
        if isinstance(change, Join) and me:
            return False, []
        if isinstance(change, SetMarker) and me and min(change.offset, len(log)) <= me.marker:
            return False, []
        subject = change.subject if isinstance(change, Remove) else change.author
        if self.row(f"user:{subject}", change):
            return Refusal.CONFLICT
        if isinstance(change, SetMarker):
            assert me is not None
            me.marker = min(change.offset, len(log))
            me.marker_posts = log[me.marker - 1][5]
            content = {"room": change.room, "offset": me.marker, "posts": me.marker_posts}
            row = self._write(f"user:{subject}", MOVED, change, None, json.dumps(content, separators=(",", ":")))
            return False, [row]
        return self._move_member(change, me)

    def _move_member(
        self, change: Create | Join | Leave | Remove, me: Member | None
    ) -> Refusal | tuple[bool, list[Row]]:
        subject = change.author
        kinds, content = (LEFT, ROOM_LEFT), "{}"
        match change:
            case Create():
                self.rooms[change.room] = (change.name, change.kind)
                kinds, content = (JOINED, ROOM_JOINED), '{"role":"owner"}'
                self.members[change.room, subject] = Member("owner")
            case Join():
                kinds, content = (JOINED, ROOM_JOINED), '{"role":"member"}'
                self.members[change.room, subject] = Member("member")
            case Leave():
                self.members[change.room, subject].status = "left"
            case Remove():
                subject = change.subject
                them = self.joined(change.room, subject)
                if them is None:
                    return Refusal.NO_SUCH_MEMBER
                assert me is not None
                if me.role != "owner" and (me.role, them.role) != ("admin", "member"):
                    return Refusal.NOT_ALLOWED
                kinds, content = (REMOVED, ROOM_REMOVED), "{}"
                them.status = "removed"
        row = self._write(f"room:{change.room}", kinds[0], change, subject, content)
        if kinds[0] == JOINED:
            member = self.members[change.room, subject]
            member.marker, member.marker_posts = row[1], row[5]
        notice = self._write(
            f"user:{subject}", kinds[1], change, None, json.dumps({"room": change.room}).replace(" ", "")
        )
        return False, [row, notice]

    def _write(self, log: str, kind: int, change: Change, subject: str | None, content: str) -> Row:
        rows = self.logs.setdefault(log, [])
        posts = (rows[-1][5] if rows else 0) + (kind == POSTED)
        rows.append((log, len(rows) + 1, kind, change.author, change.client_id, posts, subject, content))
        return rows[-1]

    def apply_all(self, changes: Sequence[Change]) -> list[Refusal | tuple[bool, list[Row]]]:
        return [self.apply(change) for change in changes]
