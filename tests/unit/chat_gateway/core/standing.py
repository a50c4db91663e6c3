"""Facts and changes for decisions, with what does not matter filled in: ann asks, bob is meant, the room is r1."""

from typing import Any, TypeVar

from chat_gateway.core.changes import Change
from chat_gateway.core.effects import Decision, Drop, Effect, Effects, Put, Set, Write
from chat_gateway.core.facts import EntryFact, Facts, MemberFact, OthersFact, RoomFact
from chat_gateway.core.ids import ClientId, EntryId, LogId, RoomId, UserId, room_log, user_log

C = TypeVar("C", bound=Change)
E = TypeVar("E", bound=Effect)

ANN, BOB, CID = UserId("ann"), UserId("bob"), UserId("cid")
ROOM = RoomId("r1")
ROOM_LOG, ANNS_LOG, BOBS_LOG = room_log(ROOM), user_log(ANN), user_log(BOB)
ID = EntryId("e1")

NOBODY = OthersFact(members=False, owners=False)
MEMBERS = OthersFact(members=True, owners=False)
OWNERS = OthersFact(members=True, owners=True)


def asked(change: type[C], /, **fields: Any) -> C:
    return change(**{"id": ID, "room": ROOM, "author": ANN, "client_id": ClientId("c"), **fields})


def a_room(**fields: Any) -> RoomFact:
    return RoomFact(**{"name": "Den", "kind": "public", "topic": "", "read_only": False, "archived": False, **fields})


def who(user: UserId, role: Any = None, status: Any = None, **fields: Any) -> MemberFact:
    """One who is in the room with this role, or stands to it as said; without either an outsider."""
    fields = {"person": "enabled", **fields}
    return MemberFact(user=user, role=role or (status and "member"), status=status or (role and "joined"), **fields)


def facts(*members: MemberFact, room: RoomFact | None = None, **fields: Any) -> Facts:
    return Facts(room=room or a_room(), members=members, **{"others": OWNERS, **fields})


def nowhere(*members: MemberFact, **fields: Any) -> Facts:
    """The facts of a room that is not there."""
    return Facts(members=members, **fields)


def old(log: LogId, kind: int, content: str = "{}", subject: UserId | None = None) -> EntryFact:
    return EntryFact(log=log, offset=3, kind=kind, id=EntryId("old"), at=1, posts=0, subject=subject, content=content)


def effects(decision: Decision, kind: type[E]) -> list[E]:
    """The effects of this kind that were decided on."""
    assert isinstance(decision, Effects), decision
    return [effect for effect in decision.effects if isinstance(effect, kind)]


def entry(decision: Decision) -> Write:
    return effects(decision, Write)[0]


def rows(decision: Decision, table: str) -> list[Put | Set | Drop]:
    assert isinstance(decision, Effects), decision
    return [one for one in decision.effects if isinstance(one, Put | Set | Drop) and one.table == table]
