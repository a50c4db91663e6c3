"""A chat in a few dictionaries: what the appenders are compared with. Knows no SQL and no time."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field

from chat_gateway.core.changes import Create, Delete, Join, Leave, Post, Refusal, Remove, SetMarker

Row = tuple[str, int, int, str, str, int, str | None, str, str | None, int | None]
"""log, offset, kind, author, client_id, posts, subject, content, thread, thread_posts."""

Modelled = Post | Delete | Create | Join | Leave | Remove | SetMarker

DELETED = 3
POSTED, JOINED, LEFT, REMOVED, ROOM_JOINED, ROOM_LEFT, ROOM_REMOVED, MOVED = 1, 10, 11, 12, 40, 41, 42, 43


@dataclass
class Member:
    role: str
    status: str = "joined"
    marker: int = 0
    marker_posts: int = 0


@dataclass
class Message:
    room: str
    id: str
    offset: int
    author: str
    thread: str | None
    deleted: bool = False
    replies: int = 0


@dataclass
class Model:
    rooms: dict[str, tuple[str, str]] = field(default_factory=lambda: {"lobby": ("Lobby", "public")})
    members: dict[tuple[str, str], Member] = field(default_factory=dict)
    logs: dict[str, list[Row]] = field(default_factory=dict)
    messages: list[Message] = field(default_factory=list)
    followers: dict[tuple[str, str, int], tuple[int, int]] = field(default_factory=dict)
    """By user, room and root: the marker and its count."""

    def apply(self, change: Modelled) -> Refusal | tuple[bool, list[Row]]:
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
            notice = None if isinstance(change, Post | Delete | SetMarker) else self.row(f"user:{subject}", change)
            return True, [old, *([notice] if notice else [])]
        return self._decide(change, me)

    def joined(self, room: str, user: str) -> Member | None:
        member = self.members.get((room, user))
        return member if member and member.status == "joined" else None

    def row(self, log: str, change: Modelled) -> Row | None:
        return next((r for r in self.logs.get(log, []) if r[3:5] == (change.author, change.client_id)), None)

    def _stranger_may(self, change: Modelled, old: Row | None) -> bool:
        room = self.rooms.get(change.room)
        if isinstance(change, Create):
            return room is None
        if isinstance(change, Join):
            return room is not None and room[1] == "public"
        return isinstance(change, Leave) and old is not None and old[2] == LEFT

    def _same(self, change: Modelled, old: Row) -> bool:
        kind, subject, content = old[2], old[6], old[7]
        match change:
            case Post():
                is_same = content.startswith('{"deleted":true') or (content, old[8]) == (change.content, change.thread)
                return kind == POSTED and is_same
            case Delete():
                return (kind, content) == (DELETED, _named(change))
            case Create() | Join():
                made = _made(change) if isinstance(change, Create) else '{"role":"member"}'
                return (kind, content) == (JOINED, made)
            case Leave():
                return kind == LEFT
            case Remove():
                return (kind, subject) == (REMOVED, change.subject)
            case SetMarker():
                moved = json.loads(content)
                return kind == MOVED and moved["room"] == change.room and moved["offset"] <= change.offset

    def _decide(self, change: Modelled, me: Member | None) -> Refusal | tuple[bool, list[Row]]:
        room = f"room:{change.room}"
        log = self.logs.get(room, [])
        if isinstance(change, Post | Delete):
            assert me is not None
            return self._post(change, me) if isinstance(change, Post) else self._delete(change, me)
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

    def _post(self, change: Post, me: Member) -> Refusal | tuple[bool, list[Row]]:
        root = self._message(change.room, change.thread)
        if change.thread and (root is None or root.deleted):
            return Refusal.NO_SUCH_MESSAGE
        if root and root.thread:
            return Refusal.NOT_A_THREAD_ROOT
        if change.reply_to and self._message(change.room, change.reply_to) is None:
            return Refusal.NO_SUCH_MESSAGE
        if root:
            root.replies += 1
        place = (change.thread, root.replies) if root else (None, None)
        row = self._write(f"room:{change.room}", POSTED, change, None, change.content, *place)
        if root:
            self.followers.setdefault((root.author, change.room, root.offset), (0, 0))
            self.followers[change.author, change.room, root.offset] = (row[1], root.replies)
        else:
            me.marker, me.marker_posts = row[1], row[5]
        self.messages.append(Message(change.room, change.id, row[1], change.author, change.thread))
        return False, [row]

    def _delete(self, change: Delete, me: Member) -> Refusal | tuple[bool, list[Row]]:
        message = self._message(change.room, change.message)
        if message is None:
            return Refusal.NO_SUCH_MESSAGE
        author = self.joined(change.room, message.author)
        is_above = me.role == "owner" or (me.role == "admin" and (author is None or author.role == "member"))
        if not is_above and message.author != change.author:
            return Refusal.NOT_ALLOWED
        if message.deleted:
            return False, []
        message.deleted = True
        log = self.logs[f"room:{change.room}"]
        log[message.offset - 1] = (*log[message.offset - 1][:7], '{"deleted":true}', *log[message.offset - 1][8:])
        return False, [self._write(f"room:{change.room}", DELETED, change, None, _named(change))]

    def _message(self, room: str, message: str | None) -> Message | None:
        return next((m for m in self.messages if (m.room, m.id) == (room, message)), None)

    def _move_member(
        self, change: Create | Join | Leave | Remove, me: Member | None
    ) -> Refusal | tuple[bool, list[Row]]:
        subject = change.author
        kinds, content = (LEFT, ROOM_LEFT), "{}"
        match change:
            case Create():
                self.rooms[change.room] = (change.name, change.kind)
                kinds, content = (JOINED, ROOM_JOINED), _made(change)
                self.members[change.room, subject] = Member("owner")
            case Join():
                kinds, content = (JOINED, ROOM_JOINED), '{"role":"member"}'
                self.members[change.room, subject] = Member("member")
            case Leave():
                if self._is_needed(change.room, subject):
                    return Refusal.LAST_OWNER
                self.members[change.room, subject].status = "left"
            case Remove():
                subject = change.subject
                them = self.joined(change.room, subject)
                if them is None:
                    return Refusal.NO_SUCH_MEMBER
                assert me is not None
                if me.role != "owner" and subject == change.author:
                    return Refusal.ONESELF
                if me.role != "owner" and (me.role, them.role) != ("admin", "member"):
                    return Refusal.NOT_ALLOWED
                if subject == change.author and self._is_needed(change.room, subject):
                    return Refusal.LAST_OWNER
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

    def _is_needed(self, room: str, user: str) -> bool:
        """Tell whether others are in the room and this is its only owner."""
        others = [m for (r, u), m in self.members.items() if (r, m.status) == (room, "joined") and u != user]
        is_owner = self.members[room, user].role == "owner"
        return is_owner and bool(others) and all(m.role != "owner" for m in others)

    def _write(
        self,
        log: str,
        kind: int,
        change: Modelled,
        subject: str | None,
        content: str,
        thread: str | None = None,
        replies: int | None = None,
    ) -> Row:
        rows = self.logs.setdefault(log, [])
        posts = (rows[-1][5] if rows else 0) + (kind == POSTED and thread is None)
        at = len(rows) + 1
        rows.append((log, at, kind, change.author, change.client_id, posts, subject, content, thread, replies))
        return rows[-1]

    def apply_all(self, changes: Sequence[Modelled]) -> list[Refusal | tuple[bool, list[Row]]]:
        return [self.apply(change) for change in changes]


def _made(change: Create) -> str:
    return json.dumps({"role": "owner", "name": change.name, "kind": change.kind}, separators=(",", ":"))


def _named(change: Delete) -> str:
    return json.dumps({"message": change.message}, separators=(",", ":"))
