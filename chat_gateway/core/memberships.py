"""Who is in a room, and who brings or puts whom in or out: joining, leaving, removing, banning, roles.

Decisions only: what a change needs to know, and what it then does. A room one may not see and one that is not there are
the same refusal. Whoever comes in finds nothing unread, and whoever comes back is a plain member.
"""

from typing import TypeAlias

import msgspec

from chat_gateway.core import repeats
from chat_gateway.core.changes import Ban, Change, Join, Leave, Refusal, Remove, SetRole, Unban
from chat_gateway.core.effects import Decision, Drop, Effect, Effects, Put, Repeats, Set, Stays, Write
from chat_gateway.core.entries import Kind
from chat_gateway.core.facts import Facts, MemberFact, Question, Status
from chat_gateway.core.ids import UserId, room_log, user_log
from chat_gateway.core.notices import notice
from chat_gateway.core.rooms import Role

_Directed: TypeAlias = Remove | Ban | Unban | SetRole


def ask_join(change: Join) -> Question:
    return _ask(change, change.author, invite=change.invite, admission=True)


def decide_join(change: Join, facts: Facts) -> Decision:
    if not facts.author.joined:
        closed = _closed(change, facts)
        if closed is not None:
            return closed
    content = _role("member")
    judged = repeats.judge(facts, room_log(change.room), Kind.MEMBER_JOINED, subject=change.author, content=content)
    if judged is not None or facts.author.joined:
        return Stays() if judged is None else judged
    if facts.repeats:
        return Refusal.CONFLICT
    if facts.room is not None and facts.room.archived:
        return Refusal.ARCHIVED
    if facts.author.rooms >= change.most_rooms:
        return Refusal.TOO_MANY_ROOMS
    used = _use(change.invite) if _is_invited(change, facts) else ()
    return Effects((_entry(change, Kind.MEMBER_JOINED, change.author, content), *admission(change, "member"), *used))


def ask_leave(change: Leave) -> Question:
    return _ask(change, change.author, departure=True)


def decide_leave(change: Leave, facts: Facts) -> Decision:
    judged = repeats.judge(facts, room_log(change.room), Kind.MEMBER_LEFT, subject=change.author)
    if facts.room is None or not (facts.author.joined or isinstance(judged, Repeats)):
        return Refusal.NO_SUCH_ROOM
    if judged is not None:
        return judged
    if facts.repeats:
        return Refusal.CONFLICT
    if facts.room.kind == "direct":
        return Refusal.DIRECT_ROOM
    if _is_last_owner(facts) and facts.others is not None and facts.others.members:
        return Refusal.LAST_OWNER
    return parting(change, Kind.MEMBER_LEFT, change.author, "left", Kind.ROOM_LEFT)


def ask_remove(change: Remove) -> Question:
    return _ask(change, change.subject, departure=True)


def decide_remove(change: Remove, facts: Facts) -> Decision:
    judged = _judge_directed(change, facts, Kind.MEMBER_REMOVED)
    if judged is not None:
        return judged
    if not _them(change, facts).joined:
        return Refusal.NO_SUCH_MEMBER
    return _against(change, facts) or parting(change, Kind.MEMBER_REMOVED, change.subject, "removed", Kind.ROOM_REMOVED)


def ask_ban(change: Ban) -> Question:
    return _ask(change, change.subject, departure=True)


def decide_ban(change: Ban, facts: Facts) -> Decision:
    judged = _judge_directed(change, facts, Kind.MEMBER_BANNED)
    if judged is not None:
        return judged
    them = _them(change, facts)
    refusal = _against(change, facts)
    if refusal is not None:
        return refusal
    if them.joined:
        return parting(change, Kind.MEMBER_BANNED, change.subject, "banned", Kind.ROOM_REMOVED)
    if them.status == "banned":
        return Stays()
    if them.status is None and them.person is None:
        return Refusal.NO_SUCH_PERSON
    outside = Put(
        table="member", key=_key(change, change.subject), values={"status": "banned", "role": them.role or "member"}
    )
    return Effects((_entry(change, Kind.MEMBER_BANNED, change.subject), outside))


def ask_unban(change: Unban) -> Question:
    return _ask(change, change.subject)


def decide_unban(change: Unban, facts: Facts) -> Decision:
    judged = _judge_directed(change, facts, Kind.MEMBER_UNBANNED)
    if judged is not None:
        return judged
    if facts.author.role == "member":
        return Refusal.NOT_ALLOWED
    if _them(change, facts).status != "banned":
        return Stays()
    opened = Set(table="member", key=_key(change, change.subject), values={"status": "removed"})
    return Effects((_entry(change, Kind.MEMBER_UNBANNED, change.subject), opened))


def ask_set_role(change: SetRole) -> Question:
    return _ask(change, change.subject, departure=True)


def decide_set_role(change: SetRole, facts: Facts) -> Decision:
    judged = _judge_directed(change, facts, Kind.MEMBER_ROLE, _role(change.role))
    if judged is not None:
        return judged
    if facts.author.role != "owner" and not change.by_administrator:
        return Refusal.NOT_ALLOWED
    them = _them(change, facts)
    if not them.joined:
        return Refusal.NO_SUCH_MEMBER
    if them.role == change.role:
        return Stays()
    if change.subject == change.author and _is_last_owner(facts):
        return Refusal.LAST_OWNER
    given = Set(table="member", key=_key(change, change.subject), values={"role": change.role})
    ended = (_end_invitations(change, change.subject),) if change.role == "member" else ()
    return Effects((_entry(change, Kind.MEMBER_ROLE, change.subject, _role(change.role)), given, *ended))


def admission(change: Change, role: Role, *, counted: bool = True) -> tuple[Effect, ...]:
    """Take the author in and tell them; to be written after the room's entry."""
    return (
        membership(change, change.author, role),
        *((_count(change, 1),) if counted else ()),
        notice(change, change.author, Kind.ROOM_JOINED),
    )


def membership(change: Change, user: UserId, role: Role) -> Put:
    """Make the user a member whose marker stands at the change's own entry, so that nothing is unread."""
    return Put(
        table="member",
        key=_key(change, user),
        values={"role": role, "status": "joined"},
        filled={"marker": "offset", "marker_posts": "posts", "since": "offset"},
    )


def _ask(
    change: Change, user: UserId, *, invite: str | None = None, admission: bool = False, departure: bool = False
) -> Question:
    return Question(
        room=change.room,
        author=change.author,
        client_id=change.client_id,
        logs=(room_log(change.room), user_log(user)),
        users=tuple(dict.fromkeys((change.author, user))),
        invite=invite,
        admission=admission,
        departure=departure,
    )


def _closed(change: Join, facts: Facts) -> Refusal | None:
    """Decide whether one who is outside may come in. Only a public room says that it has banned somebody."""
    room = facts.room
    is_welcome = change.admitted or _is_invited(change, facts)
    if room is None or room.kind == "direct" or (room.kind == "private" and not is_welcome):
        return Refusal.NO_SUCH_ROOM
    if facts.author.status == "banned":
        return Refusal.BANNED if room.kind == "public" else Refusal.NO_SUCH_ROOM
    return None


def _is_invited(change: Join, facts: Facts) -> bool:
    return facts.invite is not None and facts.invite.usable and facts.invite.room == change.room


def _them(change: _Directed, facts: Facts) -> MemberFact:
    return next(member for member in facts.members if member.user == change.subject)


def _judge_directed(change: _Directed, facts: Facts, kind: Kind, content: str = "{}") -> Decision | None:
    """What all that is done to another has in common: seeing the room, repeats, and rooms in which nobody rules."""
    is_administrator = isinstance(change, SetRole) and change.by_administrator
    if facts.room is None or not (facts.author.joined or is_administrator):
        return Refusal.NO_SUCH_ROOM
    judged = repeats.judge(facts, room_log(change.room), kind, subject=change.subject, content=content)
    if judged is not None:
        return judged
    if facts.room.kind == "direct":
        return Refusal.DIRECT_ROOM
    return Refusal.CONFLICT if facts.repeats else None


def _against(change: Remove | Ban, facts: Facts) -> Refusal | None:
    """Decide whether the author may put the subject out. Whoever is outside counts as a member."""
    them = _them(change, facts)
    if change.subject == change.author and (facts.author.role != "owner" or isinstance(change, Ban)):
        return Refusal.ONESELF
    if facts.author.role != "owner":
        is_below = facts.author.role == "admin" and (not them.joined or them.role == "member")
        return None if is_below else Refusal.NOT_ALLOWED
    is_needed = facts.others is not None and facts.others.members and not facts.others.owners
    return Refusal.LAST_OWNER if change.subject == change.author and is_needed else None


def _is_last_owner(facts: Facts) -> bool:
    return facts.author.role == "owner" and facts.others is not None and not facts.others.owners


def parting(change: Change, kind: Kind, user: UserId, status: Status, told: Kind) -> Effects:
    """Take the user out of the room and tell them."""
    parted = Set(table="member", key=_key(change, user), values={"status": status})
    ended = _end_invitations(change, user)
    return Effects((_entry(change, kind, user), parted, _count(change, -1), ended, notice(change, user, told)))


def _end_invitations(change: Change, user: UserId) -> Drop:
    """End the links the user made: they would let them in again, and whomever they gave them to."""
    return Drop(table="invite", key={"room_id": change.room, "created_by": user})


def _entry(change: Change, kind: Kind, subject: UserId, content: str = "{}") -> Write:
    return Write(log=room_log(change.room), kind=kind, id=change.id, subject=subject, content=content)


def _count(change: Change, number: int) -> Set:
    return Set(table="room", key={"id": change.room}, added={"members": number})


def _use(invite: str | None) -> tuple[Effect, ...]:
    return (Set(table="invite", key={"token_hash": invite}, added={"uses_left": -1}),)


def _key(change: Change, user: UserId) -> dict[str, str | int | bool | None]:
    return {"room_id": change.room, "user_id": user}


def _role(role: Role) -> str:
    return msgspec.json.encode({"role": role}).decode()
