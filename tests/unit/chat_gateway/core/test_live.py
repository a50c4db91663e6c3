import msgspec
import pytest

from chat_gateway.core.ids import UserId
from chat_gateway.core.live import (
    MAX_FORMER,
    MAX_NAMED,
    LiveRoom,
    Membership,
    PersonUpdated,
    PresenceChanged,
    PresenceUnknown,
    Receipts,
    Typing,
)
from chat_gateway.core.people import Person

ANN, BOB, CY = UserId("ann"), UserId("bob"), UserId("cy")


def users(count: int) -> list[UserId]:
    return [UserId(f"u{number:04}") for number in range(count)]


def room(*members: UserId, head: int = 10, is_known: bool = True) -> LiveRoom:
    made = LiveRoom(is_known=is_known)
    made.load(Membership(head, frozenset(members)))
    return made


def test_a_room_that_is_known_tells_nothing_until_something_changes() -> None:
    assert room(ANN, BOB).take(0.0, {ANN}) == []


def test_members_who_come_and_go_are_told_once_in_two_seconds() -> None:
    there = room(ANN, BOB, CY)
    there.flipped({ANN})
    assert there.take(0.0, {ANN}) == [PresenceChanged((ANN,), ())]
    there.flipped({ANN})
    there.flipped({BOB, UserId("stranger")})
    assert there.take(1.9, {BOB}) == []
    assert there.waits
    assert there.take(2.0, {BOB}) == [PresenceChanged((BOB,), (ANN,))]
    assert not there.waits


def test_a_thousand_members_who_come_back_are_told_five_hundred_at_a_time() -> None:
    everybody = users(1_000)
    there = room(*everybody)
    there.flipped(set(everybody))
    named: list[UserId] = []
    for second in (0.0, 1.0, 2.0, 3.0):
        for told in there.take(second, set(everybody)):
            assert isinstance(told, PresenceChanged)
            assert len(told.online) == MAX_NAMED
            named += told.online
    assert sorted(named) == everybody


def test_where_nobody_knows_it_is_said_once_and_then_told_from_the_beginning() -> None:
    there = room(ANN, BOB, CY)
    there.flipped({CY})
    there.unknown()
    assert there.take(0.0, None) == [PresenceUnknown()]
    assert there.take(5.0, None) == []
    (told,) = there.take(9.0, {ANN, BOB})
    assert isinstance(told, PresenceChanged)
    assert (set(told.online), told.offline) == ({ANN, BOB}, ())
    assert there.take(20.0, {ANN, BOB}) == []


def test_a_room_opened_while_nobody_knows_is_told_all_as_soon_as_somebody_does() -> None:
    there = room(ANN, BOB, is_known=False)
    assert there.take(0.0, None) == []
    assert there.take(0.0, {BOB}) == [PresenceChanged((BOB,), ())]


def test_nothing_is_told_of_members_before_they_are_loaded() -> None:
    there = LiveRoom(is_known=True)
    there.flipped({ANN})
    there.typed([ANN])
    there.unknown()
    assert there.members is None
    assert not there.waits
    assert there.take(0.0, None) == [PresenceUnknown()]
    there.load(Membership(3, frozenset({ANN})))
    assert there.take(0.0, None) == [Typing((ANN,))]


def test_members_follow_the_entries_above_the_offset_they_were_read_at() -> None:
    there = LiveRoom(is_known=True)
    there.passed(9, BOB, False)  # in what is read
    there.passed(11, CY, True)
    there.load(Membership(10, frozenset({ANN, BOB})))
    assert there.members == {ANN, BOB, CY}
    there.passed(11, CY, False)  # passed already
    there.passed(12, ANN, False)
    assert there.members == {BOB, CY}


def test_who_joins_is_told_as_they_are_and_who_leaves_is_not_told_at_all() -> None:
    there = room(ANN)
    there.flipped({ANN})
    there.passed(11, BOB, True)
    there.passed(12, ANN, False)
    assert there.take(0.0, {ANN}) == [PresenceChanged((), (BOB,))]


def test_typing_is_told_once_a_second_and_names_five() -> None:
    everybody = users(7)
    there = room(*everybody)
    there.typed(everybody[:1])
    assert there.take(0.0, None) == [Typing((everybody[0],))]
    there.typed(everybody)
    assert there.take(0.9, None) == []
    assert there.take(1.0, None) == [Typing(tuple(everybody[:5]))]
    assert there.take(5.0, None) == []


def test_a_removed_member_is_never_shown_typing_or_reading() -> None:
    there = room(ANN, BOB)
    there.typed([BOB, ANN])
    there.read({BOB: 4, ANN: 5})
    there.passed(11, BOB, False)
    there.typed([BOB])
    assert there.take(0.0, None) == [Typing((ANN,)), Receipts({ANN: 5})]
    there.typed([BOB])
    there.read({BOB: 6})
    assert there.take(9.0, None) == []


def test_receipts_are_told_once_a_second_with_the_furthest_offsets() -> None:
    there = room(ANN, BOB)
    there.read({ANN: 3})
    there.read({BOB: 7, ANN: 2})
    assert there.take(0.0, None) == [Receipts({ANN: 3, BOB: 7})]
    there.read({ANN: 4})
    assert there.take(0.5, None) == []
    assert there.take(1.0, None) == [Receipts({ANN: 4})]


@pytest.mark.parametrize(("members", "told"), [(50, 1), (51, 0)])
def test_receipts_are_told_in_rooms_of_up_to_fifty(members: int, told: int) -> None:
    everybody = users(members)
    there = room(*everybody)
    there.read({everybody[0]: 3})
    assert len(there.take(0.0, None)) == told


def test_a_new_name_is_told_where_its_bearer_is_a_member() -> None:
    there = room(ANN)
    there.renamed(Person(id=ANN, name="Anna"))
    there.renamed(Person(id=ANN, name="Annabel"))
    there.renamed(Person(id=BOB, name="Bobby"))
    assert there.take(0.0, None) == [PersonUpdated(Person(id=ANN, name="Annabel"))]
    assert there.take(0.0, None) == []


def test_that_an_account_is_deleted_is_told_also_where_it_has_just_left() -> None:
    gone = Person(id=ANN, name="", disabled=True)
    there = room(ANN, BOB)
    there.passed(11, ANN, False)
    there.renamed(Person(id=ANN, name="Anna"))
    assert there.take(0.0, None) == [], "what becomes of others who left concerns nobody here"
    there.renamed(gone)
    assert there.take(0.0, None) == [PersonUpdated(gone)]
    there.renamed(Person(id=CY, name="", disabled=True))
    assert there.take(0.0, None) == []


def test_only_the_last_who_left_are_remembered() -> None:
    leaving = users(MAX_FORMER + 1)
    there = room(*leaving)
    for offset, user in enumerate([*leaving, leaving[1]], 11):
        there.passed(offset, user, False)
    for user in leaving:
        there.renamed(Person(id=user, name="", disabled=True))
    told = {one.user.id for one in there.take(0.0, None) if isinstance(one, PersonUpdated)}
    assert told == set(leaving[1:])


@pytest.mark.parametrize(
    ("told", "wire"),
    [
        (PresenceChanged((ANN,), ()), {"type": "presence.changed", "online": ["ann"], "offline": []}),
        (PresenceUnknown(), {"type": "presence.unknown"}),
        (Typing((ANN, BOB)), {"type": "typing", "users": ["ann", "bob"]}),
        (Receipts({ANN: 7}), {"type": "receipts", "markers": {"ann": 7}}),
        (
            PersonUpdated(Person(id=ANN, name="Anna", picture="p")),
            {"type": "person.updated", "user": {"id": "ann", "name": "Anna", "picture": "p", "disabled": False}},
        ),
    ],
)
def test_what_is_told_has_this_form(told: object, wire: object) -> None:
    assert msgspec.json.decode(msgspec.json.encode(told)) == wire
