import pytest

from chat_gateway.core.changes import Join, Leave, Refusal
from chat_gateway.core.decisions import decide, question
from chat_gateway.core.effects import Decision, Drop, Put, Set, Stays, Write
from chat_gateway.core.entries import Kind
from chat_gateway.core.facts import Facts, InviteFact, RoomFact
from chat_gateway.core.ids import RoomId
from tests.unit.chat_gateway.core.standing import (
    ANN,
    ANNS_LOG,
    MEMBERS,
    NOBODY,
    OWNERS,
    ROOM,
    ROOM_LOG,
    a_room,
    asked,
    effects,
    facts,
    nowhere,
    old,
    rows,
    who,
)

PRIVATE, DIRECT, ARCHIVED = a_room(kind="private"), a_room(kind="direct"), a_room(archived=True)
INVITED = InviteFact(room=ROOM, usable=True)


def outcome(decision: Decision) -> str:
    """The decision in one word."""
    return decision.name if isinstance(decision, Refusal) else type(decision).__name__


def test_who_joins_is_a_member_with_nothing_unread_and_is_told() -> None:
    decision = decide(asked(Join), facts(who(ANN)))
    told, notice = effects(decision, Write)
    assert (told.log, told.kind, told.subject, told.content) == (ROOM_LOG, Kind.MEMBER_JOINED, ANN, '{"role":"member"}')
    assert (notice.log, notice.kind, notice.content) == (ANNS_LOG, Kind.ROOM_JOINED, '{"room":"r1"}')
    (row,) = rows(decision, "member")
    assert row == Put(
        table="member",
        key={"room_id": ROOM, "user_id": ANN},
        values={"role": "member", "status": "joined"},
        filled={"marker": "offset", "marker_posts": "posts", "since": "offset"},
    )
    assert rows(decision, "room") == [Set(table="room", key={"id": ROOM}, added={"members": 1})]


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        (nowhere(who(ANN)), "NO_SUCH_ROOM"),
        (facts(who(ANN)), "Effects"),
        (facts(who(ANN, status="left")), "Effects"),
        (facts(who(ANN, status="removed")), "Effects"),
        (facts(who(ANN, status="banned")), "BANNED"),
        (facts(who(ANN, "member")), "Stays"),
        (facts(who(ANN), room=ARCHIVED), "ARCHIVED"),
        (facts(who(ANN, "member"), room=ARCHIVED), "Stays"),
        (facts(who(ANN, rooms=3)), "TOO_MANY_ROOMS"),
        (facts(who(ANN, rooms=2)), "Effects"),
        (facts(who(ANN), room=PRIVATE), "NO_SUCH_ROOM"),
        (facts(who(ANN, status="banned"), room=PRIVATE), "NO_SUCH_ROOM"),
        (facts(who(ANN, status="removed"), room=PRIVATE), "NO_SUCH_ROOM"),
        (facts(who(ANN, "member"), room=PRIVATE), "Stays"),
        (facts(who(ANN), room=DIRECT), "NO_SUCH_ROOM"),
        (facts(who(ANN, "member"), room=DIRECT), "Stays"),
    ],
)
def test_who_may_join(known: Facts, expected: str) -> None:
    assert outcome(decide(asked(Join, most_rooms=3), known)) == expected


@pytest.mark.parametrize(
    ("room", "status", "invite", "expected"),
    [
        (PRIVATE, None, INVITED, "Effects"),
        (PRIVATE, "removed", INVITED, "Effects"),
        (PRIVATE, "banned", INVITED, "NO_SUCH_ROOM"),
        (PRIVATE, None, InviteFact(room=ROOM, usable=False), "NO_SUCH_ROOM"),
        (PRIVATE, None, InviteFact(room=RoomId("r2"), usable=True), "NO_SUCH_ROOM"),
        (PRIVATE, None, None, "NO_SUCH_ROOM"),
        (DIRECT, None, INVITED, "NO_SUCH_ROOM"),
        (a_room(), "banned", INVITED, "BANNED"),
        (a_room(kind="private", archived=True), None, INVITED, "ARCHIVED"),
    ],
)
def test_whom_an_invitation_lets_in(
    room: RoomFact, status: str | None, invite: InviteFact | None, expected: str
) -> None:
    decision = decide(asked(Join, invite="hash"), facts(who(ANN, status=status), room=room, invite=invite))
    assert outcome(decision) == expected


def test_an_invitation_is_used_up_by_those_it_lets_in_only() -> None:
    used = decide(asked(Join, invite="hash"), facts(who(ANN), room=PRIVATE, invite=INVITED))
    assert rows(used, "invite") == [Set(table="invite", key={"token_hash": "hash"}, added={"uses_left": -1})]
    expired = InviteFact(room=ROOM, usable=False)
    assert rows(decide(asked(Join, invite="hash"), facts(who(ANN), invite=expired)), "invite") == []
    assert decide(asked(Join, invite="hash"), facts(who(ANN, "member"), invite=INVITED)) == Stays()


@pytest.mark.parametrize(
    ("room", "status", "expected"),
    [(PRIVATE, None, "Effects"), (PRIVATE, "banned", "NO_SUCH_ROOM"), (DIRECT, None, "NO_SUCH_ROOM")],
)
def test_an_administrators_command_lets_in_as_an_invitation_does(
    room: RoomFact, status: str | None, expected: str
) -> None:
    assert outcome(decide(asked(Join, admitted=True), facts(who(ANN, status=status), room=room))) == expected


JOINED = old(ROOM_LOG, Kind.MEMBER_JOINED, '{"role":"member"}', ANN)


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        (facts(who(ANN, "member"), repeats=(JOINED,)), "Repeats"),
        (facts(who(ANN, status="left"), repeats=(JOINED,)), "Repeats"),
        (facts(who(ANN, status="banned"), repeats=(JOINED,)), "BANNED"),
        (facts(who(ANN, status="removed"), repeats=(JOINED,), room=PRIVATE), "NO_SUCH_ROOM"),
        (facts(who(ANN, "owner"), repeats=(old(ROOM_LOG, Kind.MEMBER_JOINED, '{"role":"owner"}', ANN),)), "CONFLICT"),
        (facts(who(ANN, "member"), repeats=(old(ROOM_LOG, Kind.MESSAGE_POSTED),)), "CONFLICT"),
        (facts(who(ANN), repeats=(old(ANNS_LOG, Kind.ROOM_JOINED),)), "CONFLICT"),
        (facts(who(ANN, "member"), repeats=(old(ANNS_LOG, Kind.ROOM_JOINED),)), "Stays"),
    ],
)
def test_a_join_again_with_the_same_client_id(known: Facts, expected: str) -> None:
    assert outcome(decide(asked(Join, most_rooms=3), known)) == expected


def test_leaving_is_told_in_the_room_and_in_the_own_log() -> None:
    decision = decide(asked(Leave), facts(who(ANN, "member")))
    told, notice = effects(decision, Write)
    assert (told.kind, told.subject, told.content) == (Kind.MEMBER_LEFT, ANN, "{}")
    assert (notice.log, notice.kind) == (ANNS_LOG, Kind.ROOM_LEFT)
    assert rows(decision, "member") == [
        Set(table="member", key={"room_id": ROOM, "user_id": ANN}, values={"status": "left"})
    ]
    assert rows(decision, "room") == [Set(table="room", key={"id": ROOM}, added={"members": -1})]
    assert rows(decision, "invite") == [Drop(table="invite", key={"room_id": ROOM, "created_by": ANN})]


LEFT = old(ROOM_LOG, Kind.MEMBER_LEFT, subject=ANN)


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        (nowhere(who(ANN)), "NO_SUCH_ROOM"),
        (facts(who(ANN)), "NO_SUCH_ROOM"),
        (facts(who(ANN, "member"), room=ARCHIVED), "Effects"),
        (facts(who(ANN, "member"), room=DIRECT), "DIRECT_ROOM"),
        (facts(who(ANN, "owner"), others=OWNERS), "Effects"),
        (facts(who(ANN, "owner"), others=NOBODY), "Effects"),
        (facts(who(ANN, "owner"), others=MEMBERS), "LAST_OWNER"),
        (facts(who(ANN, "admin"), others=MEMBERS), "Effects"),
        (facts(who(ANN, status="left"), repeats=(LEFT,)), "Repeats"),
        (facts(who(ANN, "member"), repeats=(LEFT,)), "Repeats"),
        (facts(who(ANN, "member"), repeats=(old(ROOM_LOG, Kind.MEMBER_REMOVED, subject=ANN),)), "CONFLICT"),
        (facts(who(ANN, status="left"), repeats=(old(ROOM_LOG, Kind.MESSAGE_POSTED),)), "NO_SUCH_ROOM"),
        (facts(who(ANN, "member"), repeats=(old(ANNS_LOG, Kind.ROOM_LEFT),)), "CONFLICT"),
    ],
)
def test_who_may_leave(known: Facts, expected: str) -> None:
    assert outcome(decide(asked(Leave), known)) == expected


def test_what_is_asked_about() -> None:
    join = question(asked(Join, invite="hash"))
    assert (join.logs, join.users, join.invite, join.admission) == ((ROOM_LOG, ANNS_LOG), (ANN,), "hash", True)
    assert question(asked(Leave)).departure
