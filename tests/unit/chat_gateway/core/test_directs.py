import pytest

from chat_gateway.core.changes import OpenDirect, Refusal
from chat_gateway.core.decisions import decide, question
from chat_gateway.core.directs import direct_room
from chat_gateway.core.effects import Effects, OpenLog, Put, Repeats, Stays, Write
from chat_gateway.core.entries import Kind
from chat_gateway.core.facts import Facts
from tests.unit.chat_gateway.core.standing import (
    ANN,
    ANNS_LOG,
    BOB,
    BOBS_LOG,
    CID,
    ROOM_LOG,
    a_room,
    asked,
    effects,
    facts,
    nowhere,
    old,
    who,
)

OPEN = asked(OpenDirect, people=(ANN, BOB, CID), most_rooms=3)
ALL = (who(ANN), who(BOB), who(CID))
DIRECT = a_room(kind="direct")


def test_the_same_people_have_one_room_whoever_asks() -> None:
    assert direct_room([ANN, BOB, CID]) == direct_room([CID, BOB, ANN, BOB]) != direct_room([ANN, BOB])


def test_all_become_members_at_once_and_each_is_told() -> None:
    decision = decide(OPEN, nowhere(*ALL))
    assert effects(decision, OpenLog) == [OpenLog(log=ROOM_LOG)]
    told, *notices = effects(decision, Write)
    assert (told.log, told.kind, told.subject) == (ROOM_LOG, Kind.MEMBER_JOINED, ANN)
    assert told.content == '{"role":"member","people":["ann","bob","cid"]}'
    assert [(one.log, one.kind) for one in notices] == [
        (f"user:{user}", Kind.ROOM_JOINED) for user in ("ann", "bob", "cid")
    ]
    assert len({told.id, *(one.id for one in notices)}) == 4
    made, *members = effects(decision, Put)
    assert (made.values["kind"], made.values["members"]) == ("direct", 3)
    assert [(one.key["user_id"], one.values["role"]) for one in members] == [
        (user, "member") for user in (ANN, BOB, CID)
    ]


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        (facts(*ALL, room=DIRECT), Stays()),
        (facts(*ALL, room=DIRECT, blocked=True), Stays()),
        (facts(*ALL, room=DIRECT, repeats=(old(ROOM_LOG, Kind.MEMBER_JOINED),)), Repeats()),
        (nowhere(who(ANN), who(BOB), who(CID, person=None)), Refusal.NO_SUCH_PERSON),
        (nowhere(who(ANN), who(BOB), who(CID, person="disabled")), Refusal.NO_SUCH_PERSON),
        (nowhere(*ALL, blocked=True), Refusal.NOT_REACHABLE),
        (nowhere(*ALL, repeats=(old(BOBS_LOG, Kind.ROOM_JOINED),)), Refusal.CONFLICT),
        (nowhere(who(ANN), who(BOB, rooms=3), who(CID)), Refusal.TOO_MANY_ROOMS),
    ],
)
def test_who_may_open_a_direct_room(known: Facts, expected: object) -> None:
    assert decide(OPEN, known) == expected


def test_the_last_room_each_may_be_in_is_opened() -> None:
    assert isinstance(decide(OPEN, nowhere(*(who(user, rooms=2) for user in (ANN, BOB, CID)))), Effects)


def test_everybodys_log_is_asked_about_and_the_author_comes_first() -> None:
    about = question(asked(OpenDirect, people=(ANN, BOB), author=BOB))
    assert (about.logs, about.users) == ((ROOM_LOG, ANNS_LOG, BOBS_LOG), (BOB, ANN))
    assert about.admission
