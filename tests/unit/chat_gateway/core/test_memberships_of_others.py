"""What is done to another: the second half of test_memberships.py."""

import pytest

from chat_gateway.core.changes import Ban, Change, Refusal, Remove, SetRole, Unban
from chat_gateway.core.decisions import decide, question
from chat_gateway.core.effects import Decision, Drop, Effects, Put, Repeats, Set, Write
from chat_gateway.core.entries import Kind
from chat_gateway.core.facts import Facts
from tests.unit.chat_gateway.core.standing import (
    ANN,
    BOB,
    BOBS_LOG,
    CID,
    MEMBERS,
    NOBODY,
    OWNERS,
    ROOM,
    ROOM_LOG,
    a_room,
    asked,
    effects,
    entry,
    facts,
    nowhere,
    old,
    rows,
    who,
)

DIRECT = a_room(kind="direct")


def outcome(decision: Decision) -> str:
    """The decision in one word."""
    return decision.name if isinstance(decision, Refusal) else type(decision).__name__


def test_a_removal_is_told_in_the_room_and_to_whom_it_concerns() -> None:
    decision = decide(asked(Remove, subject=BOB), facts(who(ANN, "owner"), who(BOB, "member")))
    told, notice = effects(decision, Write)
    assert (told.kind, told.subject) == (Kind.MEMBER_REMOVED, BOB)
    assert (notice.log, notice.kind) == (BOBS_LOG, Kind.ROOM_REMOVED)
    assert rows(decision, "member") == [
        Set(table="member", key={"room_id": ROOM, "user_id": BOB}, values={"status": "removed"})
    ]


@pytest.mark.parametrize("kind", [Remove, Ban])
@pytest.mark.parametrize(
    ("mine", "theirs", "expected"),
    [
        ("owner", "owner", "Effects"),
        ("owner", "admin", "Effects"),
        ("owner", "member", "Effects"),
        ("admin", "owner", "NOT_ALLOWED"),
        ("admin", "admin", "NOT_ALLOWED"),
        ("admin", "member", "Effects"),
        ("member", "member", "NOT_ALLOWED"),
        (None, "member", "NO_SUCH_ROOM"),
    ],
)
def test_who_may_put_whom_out(kind: type[Remove | Ban], mine: str | None, theirs: str, expected: str) -> None:
    decision = decide(asked(kind, subject=BOB), facts(who(ANN, mine), who(BOB, theirs)))
    assert outcome(decision) == expected


@pytest.mark.parametrize(
    ("change", "known", "expected"),
    [
        (asked(Remove, subject=BOB), facts(who(ANN, "owner"), who(BOB)), "NO_SUCH_MEMBER"),
        (asked(Remove, subject=BOB), facts(who(ANN, "owner"), who(BOB, status="banned")), "NO_SUCH_MEMBER"),
        (asked(Remove, subject=ANN), facts(who(ANN, "owner"), others=OWNERS), "Effects"),
        (asked(Remove, subject=ANN), facts(who(ANN, "owner"), others=MEMBERS), "LAST_OWNER"),
        (asked(Remove, subject=ANN), facts(who(ANN, "owner"), others=NOBODY), "Effects"),
        (asked(Remove, subject=ANN), facts(who(ANN, "admin")), "ONESELF"),
        (asked(Remove, subject=ANN), facts(who(ANN, "member")), "ONESELF"),
        (asked(Ban, subject=ANN), facts(who(ANN, "owner")), "ONESELF"),
        (asked(Ban, subject=ANN), facts(who(ANN, "member")), "ONESELF"),
        (asked(Ban, subject=BOB), facts(who(ANN, "admin"), who(BOB)), "Effects"),
        (asked(Ban, subject=BOB), facts(who(ANN, "member"), who(BOB)), "NOT_ALLOWED"),
        (asked(Ban, subject=BOB), facts(who(ANN, "admin"), who(BOB, "owner", "left")), "Effects"),
        (asked(Ban, subject=BOB), facts(who(ANN, "owner"), who(BOB, status="banned")), "Stays"),
        (asked(Ban, subject=BOB), facts(who(ANN, "owner"), who(BOB, person=None)), "NO_SUCH_PERSON"),
        (asked(Ban, subject=BOB), facts(who(ANN, "owner"), who(BOB, person="disabled")), "Effects"),
        (asked(Unban, subject=BOB), facts(who(ANN, "admin"), who(BOB, status="banned")), "Effects"),
        (asked(Unban, subject=BOB), facts(who(ANN, "member"), who(BOB, status="banned")), "NOT_ALLOWED"),
        (asked(Unban, subject=BOB), facts(who(ANN, "owner"), who(BOB, "member")), "Stays"),
        (asked(Unban, subject=BOB), facts(who(ANN, "owner"), who(BOB)), "Stays"),
        (asked(SetRole, subject=BOB, role="admin"), facts(who(ANN, "owner"), who(BOB, "member")), "Effects"),
        (asked(SetRole, subject=BOB, role="owner"), facts(who(ANN, "owner"), who(BOB, "member")), "Effects"),
        (asked(SetRole, subject=BOB, role="admin"), facts(who(ANN, "admin"), who(BOB, "member")), "NOT_ALLOWED"),
        (asked(SetRole, subject=BOB, role="admin"), facts(who(ANN, "owner"), who(BOB, "admin")), "Stays"),
        (asked(SetRole, subject=BOB, role="admin"), facts(who(ANN, "owner"), who(BOB)), "NO_SUCH_MEMBER"),
        (asked(SetRole, subject=ANN, role="admin"), facts(who(ANN, "owner"), others=OWNERS), "Effects"),
        (asked(SetRole, subject=ANN, role="admin"), facts(who(ANN, "owner"), others=MEMBERS), "LAST_OWNER"),
        (asked(SetRole, subject=ANN, role="owner"), facts(who(ANN, "owner"), others=MEMBERS), "Stays"),
    ],
)
def test_what_may_be_done_to_another(change: Change, known: Facts, expected: str) -> None:
    assert outcome(decide(change, known)) == expected


DIRECTED: list[tuple[Change, Kind, str]] = [
    (asked(Remove, subject=BOB), Kind.MEMBER_REMOVED, "{}"),
    (asked(Ban, subject=BOB), Kind.MEMBER_BANNED, "{}"),
    (asked(Unban, subject=BOB), Kind.MEMBER_UNBANNED, "{}"),
    (asked(SetRole, subject=BOB, role="admin"), Kind.MEMBER_ROLE, '{"role":"admin"}'),
]


@pytest.mark.parametrize(("change", "kind", "content"), DIRECTED)
def test_whatever_is_done_to_another(change: Change, kind: Kind, content: str) -> None:
    ann, bob = who(ANN, "owner"), who(BOB, "member")
    done, elsewhere = old(ROOM_LOG, kind, content, BOB), old(BOBS_LOG, Kind.ROOM_REMOVED)
    assert decide(change, nowhere(who(ANN), bob)) == Refusal.NO_SUCH_ROOM
    assert decide(change, facts(who(ANN), bob)) == Refusal.NO_SUCH_ROOM
    assert decide(change, facts(who(ANN, "member"), bob, room=DIRECT)) == Refusal.DIRECT_ROOM
    assert decide(change, facts(ann, who(BOB, status="removed"), repeats=(done, elsewhere))) == Repeats()
    assert decide(change, facts(ann, bob, repeats=(old(ROOM_LOG, kind, content, CID),))) == Refusal.CONFLICT
    assert decide(change, facts(ann, bob, repeats=(elsewhere,))) == Refusal.CONFLICT


def test_a_ban_of_a_member_puts_them_out_and_tells_them() -> None:
    decision = decide(asked(Ban, subject=BOB), facts(who(ANN, "owner"), who(BOB, "admin")))
    told, notice = effects(decision, Write)
    assert (told.kind, told.subject, notice.log, notice.kind) == (Kind.MEMBER_BANNED, BOB, BOBS_LOG, Kind.ROOM_REMOVED)
    assert [row.values for row in effects(decision, Set)] == [{"status": "banned"}, {}]


def test_a_ban_of_an_outsider_counts_nobody_and_tells_the_room_only() -> None:
    decision = decide(asked(Ban, subject=BOB), facts(who(ANN, "owner"), who(BOB)))
    assert isinstance(decision, Effects)
    assert entry(decision).kind == Kind.MEMBER_BANNED
    assert decision.effects[1:] == (
        Put(table="member", key={"room_id": ROOM, "user_id": BOB}, values={"status": "banned", "role": "member"}),
    )


def test_whoever_is_no_longer_banned_is_still_outside() -> None:
    decision = decide(asked(Unban, subject=BOB), facts(who(ANN, "owner"), who(BOB, status="banned")))
    assert entry(decision).kind == Kind.MEMBER_UNBANNED
    assert [row.values for row in effects(decision, Set)] == [{"status": "removed"}]


def test_a_role_is_told_and_set() -> None:
    decision = decide(asked(SetRole, subject=BOB, role="admin"), facts(who(ANN, "owner"), who(BOB, "member")))
    assert (entry(decision).kind, entry(decision).content) == (Kind.MEMBER_ROLE, '{"role":"admin"}')
    assert [row.values for row in effects(decision, Set)] == [{"role": "admin"}]


@pytest.mark.parametrize(
    ("change", "ends"),
    [
        (asked(Remove, subject=BOB), True),
        (asked(Ban, subject=BOB), True),
        (asked(SetRole, subject=BOB, role="member"), True),
        (asked(SetRole, subject=BOB, role="owner"), False),
    ],
)
def test_invitations_end_with_the_right_of_whoever_made_them(change: Change, *, ends: bool) -> None:
    decision = decide(change, facts(who(ANN, "owner"), who(BOB, "admin")))
    expected = [Drop(table="invite", key={"room_id": ROOM, "created_by": BOB})] if ends else []
    assert rows(decision, "invite") == expected


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        (facts(who(ANN), who(BOB, "member")), "Effects"),
        (facts(who(ANN), who(BOB)), "NO_SUCH_MEMBER"),
        (facts(who(ANN), who(BOB, "owner")), "Stays"),
        (facts(who(ANN), who(BOB, "member"), room=DIRECT), "DIRECT_ROOM"),
        (nowhere(who(ANN), who(BOB, "member")), "NO_SUCH_ROOM"),
    ],
)
def test_an_administrators_command_gives_a_room_an_owner(known: Facts, expected: str) -> None:
    assert outcome(decide(asked(SetRole, subject=BOB, role="owner", by_administrator=True), known)) == expected


def test_what_is_asked_about() -> None:
    for change, _, _ in DIRECTED:
        about = question(change)
        assert (about.logs, about.users) == ((ROOM_LOG, BOBS_LOG), (ANN, BOB))
    assert question(asked(Remove, subject=ANN)).users == (ANN,)
