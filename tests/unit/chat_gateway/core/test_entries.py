import msgspec

from chat_gateway.core.entries import NAMES, Kind, encode
from chat_gateway.core.ids import EntryId, UserId
from tests.builders import ID, OTHER_ID, entry


def test_an_entry_is_shown_with_its_own_fields_and_its_content_as_stored() -> None:
    assert msgspec.json.decode(encode(entry())) == {
        "type": "message.posted",
        "id": ID,
        "at": 1_800_000_000_000,
        "author": "ann",
        "client_id": OTHER_ID,
        "posts": 5,
        "content": {"body": "hello"},
    }


def test_content_is_not_read_on_its_way() -> None:
    assert b'"content":{ "body" : 1e400 }' in encode(entry(content='{ "body" : 1e400 }'))


def test_an_item_of_a_page_has_its_offset_inside() -> None:
    assert msgspec.json.decode(encode(entry(), with_offset=True))["offset"] == 7


def test_an_entry_names_whom_it_concerns() -> None:
    shown = msgspec.json.decode(encode(entry(kind=Kind.MEMBER_REMOVED, subject=UserId("bob"))))
    assert (shown["type"], shown["subject"]) == ("member.removed", "bob")


def test_a_reply_names_its_thread_and_its_place_there() -> None:
    shown = msgspec.json.decode(encode(entry(thread=EntryId(OTHER_ID), thread_posts=3)))
    assert (shown["thread"], shown["thread_posts"], shown["posts"]) == (OTHER_ID, 3, 5)


def test_zero_is_shown_and_not_left_out() -> None:
    assert msgspec.json.decode(encode(entry(at=0, posts=0)))["posts"] == 0


def test_an_entry_of_a_later_release_is_shown_by_its_number() -> None:
    assert msgspec.json.decode(encode(entry(kind=99)))["type"] == "unknown.99"


def test_kinds_have_the_names_and_numbers_clients_know() -> None:
    assert NAMES == {
        1: "message.posted",
        2: "message.edited",
        3: "message.deleted",
        4: "message.pinned",
        5: "message.unpinned",
        6: "reaction.added",
        7: "reaction.removed",
        10: "member.joined",
        11: "member.left",
        12: "member.removed",
        13: "member.banned",
        14: "member.unbanned",
        15: "member.role",
        20: "room.updated",
        21: "room.archived",
        40: "room.joined",
        41: "room.left",
        42: "room.removed",
        43: "marker.moved",
        44: "thread.followed",
    }
