import pytest

from chat_gateway.core.changes import Applied, Create, Join, Leave, Post, Remove, SetMarker
from chat_gateway.core.entries import Entry, Kind
from chat_gateway.core.ids import ClientId, EntryId, LogId, RoomId, UserId
from chat_gateway.store.appender import RoomChange, applied, logs_of, notice, notice_id, plan

_ROOM, _ANN, _BOB, _CID, _ID = RoomId("den"), UserId("ann"), UserId("bob"), ClientId("c"), EntryId("e")

_POST = Post(id=_ID, room=_ROOM, author=_ANN, client_id=_CID, content="{}")
_CREATE = Create(id=_ID, room=_ROOM, author=_ANN, client_id=_CID, name="Den", kind="public")
_JOIN = Join(id=_ID, room=_ROOM, author=_ANN, client_id=_CID)
_LEAVE = Leave(id=_ID, room=_ROOM, author=_ANN, client_id=_CID)
_REMOVE = Remove(id=_ID, room=_ROOM, author=_ANN, client_id=_CID, subject=_BOB)
_MARKER = SetMarker(id=_ID, room=_ROOM, author=_ANN, client_id=_CID, offset=7)


def entry(log: str, offset: int) -> Entry:
    return Entry(log=LogId(log), offset=offset, kind=1, id=_ID, author=_ANN, client_id=_CID, at=0, posts=0)


@pytest.mark.parametrize(
    ("change", "kinds", "subject"),
    [
        (_CREATE, (Kind.MEMBER_JOINED, Kind.ROOM_JOINED), "ann"),
        (_JOIN, (Kind.MEMBER_JOINED, Kind.ROOM_JOINED), "ann"),
        (_LEAVE, (Kind.MEMBER_LEFT, Kind.ROOM_LEFT), "ann"),
        (_REMOVE, (Kind.MEMBER_REMOVED, Kind.ROOM_REMOVED), "bob"),
    ],
)
def test_a_change_of_membership_is_told_in_the_room_and_to_whom_it_concerns(
    change: RoomChange, kinds: tuple[Kind, Kind], subject: str
) -> None:
    intent = plan(change)
    assert (intent.kind, intent.notice_kind) == kinds
    assert logs_of(change) == ["room:den", f"user:{subject}"]


def test_posts_and_markers_are_one_row() -> None:
    assert logs_of(_POST) == ["room:den"]
    assert logs_of(_MARKER) == ["user:ann"]
    assert plan(_MARKER).notice_kind == Kind.MARKER_MOVED


def test_the_second_row_has_an_id_of_its_own_that_a_repeat_shares() -> None:
    assert notice_id(_JOIN) == notice_id(_JOIN) != _ID
    assert notice_id(_MARKER) == _ID
    assert notice(_JOIN) == '{"room":"den"}'


def test_the_offset_of_a_change_is_its_entrys() -> None:
    own, other = entry("room:den", 4), entry("user:ann", 9)
    assert applied(_JOIN, [other, own], repeated=True, marker=3) == Applied(
        entry=own, others=(other,), offset=4, repeated=True
    )


def test_the_offset_of_a_marker_or_of_no_change_is_the_marker_as_it_stands() -> None:
    moved = entry("user:ann", 9)
    assert applied(_MARKER, [moved], repeated=False, marker=7) == Applied(entry=moved, offset=7)
    assert applied(_JOIN, [], repeated=False, marker=3) == Applied(entry=None, offset=3)
