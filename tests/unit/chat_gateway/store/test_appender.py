from chat_gateway.core.changes import Applied, Join, Post, Refusal, Remove, SetMarker
from chat_gateway.core.effects import Repeats, Stays
from chat_gateway.core.entries import Entry, Kind
from chat_gateway.core.facts import EntryFact, Facts, MarkerFact
from chat_gateway.core.ids import ClientId, EntryId, LogId, RoomId, UserId
from chat_gateway.store.appender import applied, entry_of, found, logs_of, settled

_ROOM, _ANN, _BOB, _CID, _ID = RoomId("den"), UserId("ann"), UserId("bob"), ClientId("c"), EntryId("e")

_POST = Post(id=_ID, room=_ROOM, author=_ANN, client_id=_CID, content="{}")
_JOIN = Join(id=_ID, room=_ROOM, author=_ANN, client_id=_CID)
_REMOVE = Remove(id=_ID, room=_ROOM, author=_ANN, client_id=_CID, subject=_BOB)
_MARKER = SetMarker(id=_ID, room=_ROOM, author=_ANN, client_id=_CID, offset=7)


def fact(log: str, offset: int, entry_id: str = _ID) -> EntryFact:
    kind = Kind.MEMBER_JOINED
    return EntryFact(
        log=LogId(log), offset=offset, kind=kind, id=EntryId(entry_id), at=5, posts=0, subject=None, content="{}"
    )


def entry(log: str, offset: int) -> Entry:
    return entry_of(_JOIN, fact(log, offset))


def test_a_change_of_membership_is_told_in_the_room_and_to_whom_it_concerns() -> None:
    assert logs_of(_JOIN) == ("room:den", "user:ann")
    assert logs_of(_REMOVE) == ("room:den", "user:bob")


def test_posts_and_markers_are_one_row() -> None:
    assert logs_of(_POST) == ("room:den",)
    assert logs_of(_MARKER) == ("user:ann",)


def test_the_offset_of_a_change_is_its_entrys() -> None:
    own, other = entry("room:den", 4), entry("user:ann", 9)
    assert applied(_JOIN, [other, own], at=8) == Applied(entry=own, others=(other,), offset=4, at=8)


def test_the_offset_of_a_marker_is_the_marker_as_it_stands() -> None:
    moved = entry("user:ann", 9)
    assert applied(_MARKER, [moved], marker=7) == Applied(entry=moved, offset=7)
    assert applied(_MARKER, [], marker=0) == Applied(entry=None, offset=0)
    assert applied(_JOIN, []) == Applied(entry=None)


def test_an_entry_has_the_author_and_client_id_of_its_change() -> None:
    assert (entry("room:den", 4).author, entry("room:den", 4).client_id, entry("room:den", 4).at) == (_ANN, _CID, 5)


def test_a_decision_that_writes_nothing_is_answered_from_the_facts() -> None:
    facts = Facts(repeats=(fact("room:den", 4), fact("user:ann", 9)))
    assert settled(_JOIN, Refusal.BANNED, facts) == Refusal.BANNED
    assert settled(_JOIN, Stays(), facts) == Applied(entry=None)
    assert settled(_MARKER, Stays(3), facts) == Applied(entry=None, offset=3)
    assert settled(_JOIN, Repeats(), facts) == Applied(
        entry=entry("room:den", 4), others=(entry("user:ann", 9),), offset=4, repeated=True
    )


def test_only_the_very_change_is_found_and_no_other_with_its_client_id() -> None:
    marker = MarkerFact(marker=8, offset=7, posts=0)
    assert found(_JOIN, Facts()) is None
    assert found(_JOIN, Facts(repeats=(fact("room:den", 4, "another"),))) is None
    assert found(_JOIN, Facts(repeats=(fact("room:den", 4),))) == Applied(
        entry=entry("room:den", 4), offset=4, repeated=True
    )
    assert found(_MARKER, Facts(repeats=(fact("user:ann", 9),), marker=marker)) == Applied(
        entry=entry("user:ann", 9), offset=8, repeated=True
    )
