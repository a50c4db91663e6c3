"""Changes of rooms and memberships on SQLite, decided as migrations/functions/change_v1.sql does on PostgreSQL."""

import json

from chat_gateway.core.changes import MAX_ROOMS, Applied, Create, Join, Leave, Outcome, Refusal, Remove, SetMarker
from chat_gateway.core.entries import Entry
from chat_gateway.core.ids import room_log, user_log
from chat_gateway.store.appender import RoomChange, applied, logs_of, notice, notice_id, plan
from chat_gateway.store.ledger_sqlite import Ledger


def make(ledger: Ledger, change: RoomChange) -> Outcome:
    """Make the change, or say why not. A repeat answers the first result, if its author may still see the room."""
    old = ledger.find(logs_of(change)[0], change.author, change.client_id)
    if not _may_see(ledger, change, old):
        return Refusal.NO_SUCH_ROOM
    if old is not None:
        return _repeat(ledger, change, old) if _is_same(ledger, change, old) else Refusal.CONFLICT
    if _changes_nothing(ledger, change):
        return applied(change, (), repeated=False, marker=ledger.marker(change.room, change.author))
    refusal = _refusal(ledger, change)
    if refusal is not None:
        return refusal
    if isinstance(change, SetMarker):
        return _move_marker(ledger, change)
    return _write(ledger, change)


def _may_see(ledger: Ledger, change: RoomChange, old: Entry | None) -> bool:
    if ledger.role(change.room, change.author) is not None:
        return True
    room = ledger.room(change.room)
    match change:
        case Create():
            return room is None
        case Join():
            return room is not None and room[1] == "public"
        case Leave():
            return old is not None and old.kind == plan(change).kind
        case _:
            return False


def _is_same(ledger: Ledger, change: RoomChange, old: Entry) -> bool:
    intent = plan(change)
    if isinstance(change, SetMarker):
        content = json.loads(old.content)
        is_same_room = old.kind == intent.notice_kind and content["room"] == change.room
        return bool(is_same_room and content["offset"] <= change.offset)
    if isinstance(change, Create) and ledger.room(change.room) != (change.name, change.kind):
        return False
    return (old.kind, old.subject, old.content) == (intent.kind, intent.subject, intent.content)


def _repeat(ledger: Ledger, change: RoomChange, old: Entry) -> Applied:
    rows = [ledger.find(log, change.author, change.client_id) for log in logs_of(change)[1:]]
    marker = ledger.marker(change.room, change.author)
    return applied(change, [old, *(row for row in rows if row is not None)], repeated=True, marker=marker)


def _changes_nothing(ledger: Ledger, change: RoomChange) -> bool:
    match change:
        case Join():
            return ledger.role(change.room, change.author) is not None
        case SetMarker():
            head, _ = ledger.head(room_log(change.room))
            return min(change.offset, head) <= ledger.marker(change.room, change.author)
        case _:
            return False


def _refusal(ledger: Ledger, change: RoomChange) -> Refusal | None:
    if ledger.find(user_log(plan(change).subject), change.author, change.client_id) is not None:
        return Refusal.CONFLICT
    match change:
        case Create() | Join() if ledger.rooms_of(change.author) >= MAX_ROOMS:
            return Refusal.TOO_MANY_ROOMS
        case Remove():
            theirs = ledger.role(change.room, change.subject)
            mine = ledger.role(change.room, change.author)
            if theirs is None:
                return Refusal.NO_SUCH_MEMBER
            return None if mine == "owner" or (mine, theirs) == ("admin", "member") else Refusal.NOT_ALLOWED
        case _:
            return None


def _write(ledger: Ledger, change: Create | Join | Leave | Remove) -> Applied:
    intent, log = plan(change), room_log(change.room)
    if isinstance(change, Create):
        ledger.open_room(change.room, change.name, change.kind, change.author)
    entry = ledger.write(log, intent.kind, change.id, change, subject=intent.subject, content=intent.content)
    match change:
        case Create() | Join():
            # The marker starts at the own joining, so that nothing is unread; who comes back is a plain member.
            role = "owner" if isinstance(change, Create) else "member"
            ledger.join(change.room, change.author, role, (entry.offset, entry.posts))
        case Leave():
            ledger.part(change.room, change.author, "left")
        case Remove():
            ledger.part(change.room, change.subject, "removed")
    user = user_log(intent.subject)
    row = ledger.write(user, intent.notice_kind, notice_id(change), change, content=notice(change))
    return applied(change, (entry, row), repeated=False)


def _move_marker(ledger: Ledger, change: SetMarker) -> Applied:
    log = room_log(change.room)
    offset = min(change.offset, ledger.head(log)[0])
    posts = ledger.posts_at(log, offset)
    ledger.mark(change.room, change.author, offset, posts)
    content = f'{notice(change)[:-1]},"offset":{offset},"posts":{posts}}}'
    row = ledger.write(user_log(change.author), plan(change).notice_kind, change.id, change, content=content)
    return applied(change, (row,), repeated=False, marker=offset)
