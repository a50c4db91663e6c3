"""Reads the facts of a question on SQLite, as migrations/functions/facts_v1_at_0004.sql does on PostgreSQL.

In an open write transaction, so they are those of the moment in which the change is made. Each part is a probe of an
index, and what the question does not name is not looked up.
"""

from typing import Any

from chat_gateway.core.facts import (
    EntryFact,
    Facts,
    InviteFact,
    MarkerFact,
    MemberFact,
    MessageFact,
    OthersFact,
    Question,
    RoomFact,
    ThreadFact,
)
from chat_gateway.core.ids import EntryId, RoomId, UserId, room_log
from chat_gateway.store.ledger_sqlite import Ledger

_ROOM = "SELECT name, kind, topic, read_only, archived FROM room WHERE id = ?"
_MEMBER = (
    "SELECT member.role, member.status, person.disabled, CASE WHEN asked.admission THEN ("
    " SELECT count(*) FROM member AS own WHERE own.user_id = asked.user_id AND own.status = 'joined') ELSE 0 END"
    " FROM (SELECT ? AS room_id, ? AS user_id, ? AS admission) AS asked"
    " LEFT JOIN member ON member.room_id = asked.room_id AND member.user_id = asked.user_id"
    " LEFT JOIN person ON person.id = asked.user_id"
)
# By the id alone (the plus hides the log from the planner, which might walk all of it).
_MESSAGE = (
    'SELECT entry.id, entry."offset", entry.author, entry.at, entry.content, entry.thread, message.body,'
    " coalesce(message.edits, 0), coalesce(message.deleted, 0), message.pinned_at IS NOT NULL,"
    " coalesce(message.thread_posts, 0), member.role"
    ' FROM entry LEFT JOIN message ON message.room_id = ? AND message."offset" = entry."offset"'
    " LEFT JOIN member ON member.room_id = ? AND member.user_id = entry.author AND member.status = 'joined'"
    " WHERE entry.id = ? AND entry.kind = 1 AND +entry.log_id = ?"
)
_EDIT_ENTRIES = "SELECT entry FROM revision WHERE room_id = ? AND message = ? ORDER BY n"
_USED = "SELECT 1 FROM reaction WHERE room_id = ? AND message = ? AND emoji = ?"
_REPORTED = 'SELECT 1 FROM report WHERE room_id = ? AND "offset" = ? AND reporter = ?'
_REACTED = "SELECT 1 FROM reaction WHERE room_id = ? AND message = ? AND emoji = ? AND user_id = ?"
# One probe per emoji, however many people used it.
_EMOJIS = (
    "WITH RECURSIVE used (emoji) AS ("
    " SELECT (SELECT min(emoji) FROM reaction WHERE room_id = :room AND message = :message)"
    " UNION ALL SELECT (SELECT min(emoji) FROM reaction WHERE room_id = :room AND message = :message"
    " AND emoji > used.emoji) FROM used WHERE used.emoji IS NOT NULL"
    ") SELECT count(emoji) FROM used"
)
_PINS = "SELECT count(*) FROM message WHERE room_id = ? AND pinned_at > 0"
_MARKER = "SELECT marker FROM member WHERE room_id = ? AND user_id = ?"
_POSTS = 'SELECT posts FROM entry WHERE log_id = ? AND "offset" = ?'
_THREAD = (
    "SELECT follows, muted, marker, marker_posts FROM thread_member WHERE user_id = ? AND room_id = ? AND root = ?"
)
_THREAD_POSTS = (
    'SELECT "offset", thread_posts FROM entry WHERE thread = ? AND "offset" <= ? ORDER BY "offset" DESC LIMIT 1'
)
_INVITE = "SELECT room_id, uses_left > 0 AND expires_at > ? FROM invite WHERE token_hash = ?"
_BLOCK = "SELECT 1 FROM block WHERE user_id = ? AND blocked_id = ?"
_BLOCKED_IN_DIRECT = (
    "SELECT 1 FROM room JOIN member ON member.room_id = room.id AND member.user_id <> :author"
    " JOIN block ON block.user_id = member.user_id AND block.blocked_id = :author"
    " WHERE room.id = :room AND room.kind = 'direct' AND room.members = 2"
)
_OTHERS = (
    "SELECT members > 1, EXISTS (SELECT 1 FROM member WHERE room_id = room.id AND role = 'owner'"
    " AND status = 'joined' AND user_id <> ? AND NOT EXISTS ("
    " SELECT 1 FROM person WHERE person.id = member.user_id AND person.disabled AND person.name = ''))"
    " FROM room WHERE id = ?"
)
# Each probes the index of those in a room by role and time; the one who leaves is among them.
_LONGEST = (
    "(SELECT user_id FROM member WHERE room_id = :room AND role = '{role}' AND status = 'joined' AND user_id <> :author"
    " AND EXISTS (SELECT 1 FROM person WHERE person.id = member.user_id AND NOT person.disabled)"
    " ORDER BY since, user_id LIMIT 1)"
)
_HEIR = f"SELECT coalesce({_LONGEST.format(role='admin')}, {_LONGEST.format(role='member')})"


def read(ledger: Ledger, asked: Question) -> Facts:
    message = _message(ledger, asked)
    thread = _thread(ledger, asked, message)
    return Facts(
        room=_room(ledger, asked),
        members=tuple(_member(ledger, asked, user) for user in asked.users),
        repeats=_repeats(ledger, asked),
        message=message,
        marker=_marker(ledger, asked) if asked.message is None else _thread_marker(ledger, asked, message, thread),
        thread=thread,
        invite=_invite(ledger, asked),
        blocked=_blocked(ledger, asked, message),
        others=_others(ledger, asked),
        heir=_heir(ledger, asked),
    )


def _room(ledger: Ledger, asked: Question) -> RoomFact | None:
    row = _one(ledger, _ROOM, asked.room)
    if row is None:
        return None
    return RoomFact(name=row[0], kind=row[1], topic=row[2], read_only=bool(row[3]), archived=bool(row[4]))


def _one(ledger: Ledger, sql: str, *values: object) -> tuple[Any, ...] | None:
    row: tuple[Any, ...] | None = ledger.connection.execute(sql, values).fetchone()
    return row


def _member(ledger: Ledger, asked: Question, user: UserId) -> MemberFact:
    role, status, disabled, rooms = ledger.connection.execute(_MEMBER, (asked.room, user, asked.admission)).fetchone()
    person = {None: None, 0: "enabled", 1: "disabled"}[disabled]
    return MemberFact(user=user, role=role, status=status, person=person, rooms=rooms)  # type: ignore[arg-type] # words of a CHECK


def _repeats(ledger: Ledger, asked: Question) -> tuple[EntryFact, ...]:
    found = [ledger.find(log, asked.author, asked.client_id) for log in asked.logs]
    return tuple(
        EntryFact(
            log=entry.log,
            offset=entry.offset,
            kind=entry.kind,
            id=entry.id,
            at=entry.at,
            posts=entry.posts,
            subject=entry.subject,
            content=entry.content,
            thread=entry.thread,
            thread_posts=entry.thread_posts,
        )
        for entry in found
        if entry is not None
    )


def _message(ledger: Ledger, asked: Question) -> MessageFact | None:
    row = asked.message and _one(ledger, _MESSAGE, asked.room, asked.room, asked.message, room_log(asked.room))
    if not row:
        return None
    key, emoji = (asked.room, row[1]), asked.emoji
    emojis = ledger.connection.execute(_EMOJIS, {"room": key[0], "message": key[1]}).fetchone()[0] if emoji else 0
    pins = ledger.connection.execute(_PINS, (asked.room,)).fetchone()[0]
    return MessageFact(
        id=EntryId(row[0]),
        offset=row[1],
        author=UserId(row[2]),
        at=row[3],
        content=row[4],
        thread=None if row[5] is None else EntryId(row[5]),
        body=row[6],
        edits=row[7],
        deleted=bool(row[8]),
        pinned=bool(row[9]),
        thread_posts=row[10],
        author_role=row[11],
        reported=_one(ledger, _REPORTED, *key, asked.author) is not None,
        used=_one(ledger, _USED, *key, emoji) is not None,
        edit_entries=tuple(offset for (offset,) in ledger.connection.execute(_EDIT_ENTRIES, key)),
        reacted=_one(ledger, _REACTED, *key, emoji, asked.author) is not None,
        emojis=emojis,
        pins=pins,
    )


def _marker(ledger: Ledger, asked: Question) -> MarkerFact | None:
    row = None if asked.offset is None else _one(ledger, _MARKER, asked.room, asked.author)
    if row is None or asked.offset is None:
        return None
    log = room_log(asked.room)
    offset = min(asked.offset, ledger.head(log)[0])
    posts = _one(ledger, _POSTS, log, offset)
    return MarkerFact(marker=row[0], offset=offset, posts=posts[0] if posts else 0)


def _thread(ledger: Ledger, asked: Question, message: MessageFact | None) -> ThreadFact | None:
    row = message and _one(ledger, _THREAD, asked.author, asked.room, message.offset)
    if not row:
        return None
    return ThreadFact(follows=bool(row[0]), muted=bool(row[1]), marker=row[2], marker_posts=row[3])


def _thread_marker(
    ledger: Ledger, asked: Question, message: MessageFact | None, thread: ThreadFact | None
) -> MarkerFact | None:
    if message is None or asked.offset is None:
        return None
    row = _one(ledger, _THREAD_POSTS, message.id, asked.offset)
    offset, posts = row or (0, 0)
    return MarkerFact(marker=thread.marker if thread else 0, offset=offset, posts=posts)


def _blocked(ledger: Ledger, asked: Question, message: MessageFact | None) -> bool:
    if any(_one(ledger, _BLOCK, user, asked.author) for user in asked.users):
        return True
    named = {"room": asked.room, "author": asked.author}
    return message is not None and ledger.connection.execute(_BLOCKED_IN_DIRECT, named).fetchone() is not None


def _invite(ledger: Ledger, asked: Question) -> InviteFact | None:
    row = None if asked.invite is None else _one(ledger, _INVITE, ledger.now, asked.invite)
    return None if row is None else InviteFact(room=RoomId(row[0]), usable=bool(row[1]))


def _others(ledger: Ledger, asked: Question) -> OthersFact | None:
    row = _one(ledger, _OTHERS, asked.author, asked.room) if asked.departure else None
    return None if row is None else OthersFact(members=bool(row[0]), owners=bool(row[1]))


def _heir(ledger: Ledger, asked: Question) -> UserId | None:
    named = {"room": asked.room, "author": asked.author}
    found = ledger.connection.execute(_HEIR, named).fetchone()[0] if asked.heir else None
    return None if found is None else UserId(found)
