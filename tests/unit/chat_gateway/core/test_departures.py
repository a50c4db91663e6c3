import pytest

from chat_gateway.core.changes import Depart, Inherit, Refusal
from chat_gateway.core.decisions import decide, question
from chat_gateway.core.effects import Decision, Drop, Set, Write
from chat_gateway.core.entries import Kind
from chat_gateway.core.facts import Facts
from tests.unit.chat_gateway.core.standing import (
    ANN,
    ANNS_LOG,
    BOB,
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
    rows,
    who,
)

ONLY_OWNER = facts(who(ANN, "owner"), others=MEMBERS, heir=BOB)


def outcome(decision: Decision) -> str:
    """The decision in one word."""
    return decision.name if isinstance(decision, Refusal) else type(decision).__name__


def test_an_account_that_is_gone_leaves_as_anybody_does() -> None:
    decision = decide(asked(Depart), facts(who(ANN, "member")))
    told, notice = effects(decision, Write)
    assert (told.log, told.kind, told.subject, told.content) == (ROOM_LOG, Kind.MEMBER_LEFT, ANN, "{}")
    assert (notice.log, notice.kind) == (ANNS_LOG, Kind.ROOM_LEFT)
    key = {"room_id": ROOM, "user_id": ANN}
    assert rows(decision, "member") == [Set(table="member", key=key, values={"status": "left"})]
    assert rows(decision, "room") == [Set(table="room", key={"id": ROOM}, added={"members": -1})]
    assert rows(decision, "invite") == [Drop(table="invite", key={"room_id": ROOM, "created_by": ANN})]


def test_the_heir_becomes_an_owner_in_an_entry_that_everybody_sees() -> None:
    decision = decide(asked(Inherit), ONLY_OWNER)
    (told,) = effects(decision, Write)
    assert (told.log, told.kind, told.subject, told.content) == (ROOM_LOG, Kind.MEMBER_ROLE, BOB, '{"role":"owner"}')
    given = Set(table="member", key={"room_id": ROOM, "user_id": BOB}, values={"role": "owner"})
    assert rows(decision, "member") == [given]


@pytest.mark.parametrize(
    ("known", "inheriting", "departing"),
    [
        (ONLY_OWNER, "Effects", "LAST_OWNER"),
        (facts(who(ANN, "owner"), others=OWNERS, heir=BOB), "Stays", "Effects"),
        (facts(who(ANN, "owner"), others=MEMBERS), "Stays", "Effects"),
        (facts(who(ANN, "owner"), others=NOBODY), "Stays", "Effects"),
        (facts(who(ANN, "owner"), others=MEMBERS, heir=BOB, room=a_room(archived=True)), "Effects", "LAST_OWNER"),
        (facts(who(ANN, "admin"), others=MEMBERS, heir=BOB), "Stays", "Effects"),
        (facts(who(ANN, "member"), others=MEMBERS, heir=BOB), "Stays", "Effects"),
        (facts(who(ANN, "owner", "left"), others=MEMBERS, heir=BOB), "Stays", "Stays"),
        (facts(who(ANN, "owner", "banned"), others=MEMBERS, heir=BOB), "Stays", "Stays"),
        (facts(who(ANN), others=MEMBERS, heir=BOB), "Stays", "Stays"),
        (facts(who(ANN, "member"), room=a_room(kind="direct"), heir=BOB), "Stays", "Stays"),
        (nowhere(who(ANN)), "Stays", "Stays"),
    ],
)
def test_what_becomes_of_a_room(known: Facts, inheriting: str, departing: str) -> None:
    assert (outcome(decide(asked(Inherit), known)), outcome(decide(asked(Depart), known))) == (inheriting, departing)


@pytest.mark.parametrize("kind", [Inherit, Depart])
def test_what_is_asked_about(kind: type[Inherit | Depart]) -> None:
    about = question(asked(kind))
    assert (about.logs, about.users, about.departure, about.heir) == ((ROOM_LOG, ANNS_LOG), (ANN,), True, True)
