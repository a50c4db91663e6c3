import pytest

from chat_gateway.core.changes import Archive, Create, Refusal, Update
from chat_gateway.core.decisions import decide, question
from chat_gateway.core.effects import Effects, OpenLog, Put, Repeats, Set, Stays, Write
from chat_gateway.core.entries import Kind
from chat_gateway.core.facts import Facts
from tests.unit.chat_gateway.core.standing import (
    ANN,
    ANNS_LOG,
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

CREATE = asked(Create, name="Den", kind="private", most_rooms=3)
MADE = '{"role":"owner","name":"Den","kind":"private"}'


def test_whoever_makes_a_room_owns_it_and_is_told() -> None:
    decision = decide(CREATE, nowhere(who(ANN)))
    assert isinstance(decision, Effects)
    assert decision.effects[0] == OpenLog(log=ROOM_LOG)
    told, notice = effects(decision, Write)
    assert (told.log, told.kind, told.subject, told.content) == (ROOM_LOG, Kind.MEMBER_JOINED, ANN, MADE)
    assert (notice.log, notice.kind) == (ANNS_LOG, Kind.ROOM_JOINED)
    made, owner = effects(decision, Put)
    assert made.values == {
        "name": "Den",
        "kind": "private",
        "topic": "",
        "read_only": False,
        "created_by": ANN,
        "members": 1,
    }
    assert (made.key, made.filled, owner.values["role"]) == ({"id": ROOM}, {"created_at": "now"}, "owner")


def test_the_first_entry_holds_all_that_was_asked_for() -> None:
    change = asked(Create, name="News", kind="public", topic="All of it", read_only=True)
    assert entry(decide(change, nowhere(who(ANN)))).content == (
        '{"role":"owner","name":"News","kind":"public","topic":"All of it","read_only":true}'
    )


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        (nowhere(who(ANN, rooms=3)), Refusal.TOO_MANY_ROOMS),
        (nowhere(who(ANN), repeats=(old(ANNS_LOG, Kind.ROOM_LEFT),)), Refusal.CONFLICT),
        (facts(who(ANN, status="left")), Refusal.NO_SUCH_ROOM),
        (facts(who(ANN, "owner")), Refusal.CONFLICT),
        (facts(who(ANN, "owner"), repeats=(old(ROOM_LOG, Kind.MEMBER_JOINED, MADE, ANN),)), Repeats()),
        (facts(who(ANN, "owner"), repeats=(old(ROOM_LOG, Kind.MEMBER_JOINED, "{}", ANN),)), Refusal.CONFLICT),
    ],
)
def test_a_room_is_made_once(known: Facts, expected: object) -> None:
    assert decide(CREATE, known) == expected


def test_the_last_room_a_person_may_be_in_is_made() -> None:
    assert isinstance(decide(CREATE, nowhere(who(ANN, rooms=2))), Effects)


def test_a_repeat_is_known_after_the_room_got_another_name() -> None:
    known = facts(who(ANN, "owner"), room=a_room(name="Lair"), repeats=(old(ROOM_LOG, Kind.MEMBER_JOINED, MADE, ANN),))
    assert decide(CREATE, known) == Repeats()


def test_an_update_tells_and_writes_what_changes() -> None:
    change = asked(Update, name="Den", topic="Talk", read_only=True)
    decision = decide(change, facts(who(ANN, "admin")))
    assert (entry(decision).kind, entry(decision).content) == (Kind.ROOM_UPDATED, '{"topic":"Talk","read_only":true}')
    assert rows(decision, "room") == [Set(table="room", key={"id": ROOM}, values={"topic": "Talk", "read_only": True})]


TOLD = old(ROOM_LOG, Kind.ROOM_UPDATED, '{"topic":"Talk"}')


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        (nowhere(who(ANN)), Refusal.NO_SUCH_ROOM),
        (facts(who(ANN)), Refusal.NO_SUCH_ROOM),
        (facts(who(ANN, "member")), Refusal.NOT_ALLOWED),
        (facts(who(ANN, "member"), room=a_room(kind="direct")), Refusal.DIRECT_ROOM),
        (facts(who(ANN, "owner"), room=a_room(topic="Talk")), Stays()),
        (facts(who(ANN, "owner"), repeats=(TOLD,)), Repeats()),
        (facts(who(ANN, "owner"), repeats=(old(ROOM_LOG, Kind.ROOM_UPDATED, '{"name":"x"}'),)), Refusal.CONFLICT),
        (facts(who(ANN, "owner"), repeats=(old(ROOM_LOG, Kind.MESSAGE_POSTED),)), Refusal.CONFLICT),
    ],
)
def test_who_may_update_a_room(known: Facts, expected: object) -> None:
    assert decide(asked(Update, name="Den", topic="Talk"), known) == expected


def test_a_topic_may_be_emptied() -> None:
    assert entry(decide(asked(Update, topic=""), facts(who(ANN, "owner"), room=a_room(topic="x")))).content == (
        '{"topic":""}'
    )


def test_an_archived_room_is_told_and_may_be_opened_again() -> None:
    closed = decide(asked(Archive, archived=True), facts(who(ANN, "owner")))
    assert (entry(closed).kind, entry(closed).content) == (Kind.ROOM_ARCHIVED, '{"archived":true}')
    assert rows(closed, "room") == [Set(table="room", key={"id": ROOM}, values={"archived": True})]
    assert entry(
        decide(asked(Archive, archived=False), facts(who(ANN, "owner"), room=a_room(archived=True)))
    ).content == ('{"archived":false}')


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        (nowhere(who(ANN)), Refusal.NO_SUCH_ROOM),
        (facts(who(ANN)), Refusal.NO_SUCH_ROOM),
        (facts(who(ANN, "admin")), Refusal.NOT_ALLOWED),
        (facts(who(ANN, "member"), room=a_room(kind="direct")), Refusal.DIRECT_ROOM),
        (facts(who(ANN, "owner"), room=a_room(archived=True)), Stays()),
        (facts(who(ANN, "owner"), repeats=(old(ROOM_LOG, Kind.ROOM_ARCHIVED, '{"archived":true}'),)), Repeats()),
        (
            facts(who(ANN, "owner"), repeats=(old(ROOM_LOG, Kind.ROOM_ARCHIVED, '{"archived":false}'),)),
            Refusal.CONFLICT,
        ),
    ],
)
def test_who_may_archive_a_room(known: Facts, expected: object) -> None:
    assert decide(asked(Archive, archived=True), known) == expected


def test_an_administrators_command_archives_any_room_but_a_direct_one() -> None:
    change = asked(Archive, archived=True, by_administrator=True)
    assert entry(decide(change, facts(who(ANN)))).kind == Kind.ROOM_ARCHIVED
    assert decide(change, facts(who(ANN), room=a_room(archived=True))) == Stays()
    assert decide(change, facts(who(ANN), room=a_room(kind="direct"))) == Refusal.DIRECT_ROOM
    assert decide(change, nowhere(who(ANN))) == Refusal.NO_SUCH_ROOM


def test_making_a_room_asks_about_the_authors_rooms_too() -> None:
    about = question(CREATE)
    assert (about.logs, about.users, about.admission) == ((ROOM_LOG, ANNS_LOG), (ANN,), True)
